"""A function's log line, JSON for machines, as a line for people."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from rich.text import Text

_NAME_WIDTH = 18
_FUNCTION_STYLES = ("cyan", "magenta", "green", "blue", "yellow", "bright_cyan", "bright_magenta", "bright_green")
_SEVERITY_STYLES = {"DEBUG": "dim", "INFO": "", "NOTICE": "", "WARNING": "yellow"}  # anything else is an error
VERDICT_STYLES = {"done": "green", "duplicate": "dim", "filtered": "dim", "dead": "bold red"}  # the rest waits
_ERROR_STYLE = "red"
WAITING_STYLE = "yellow"


def render(component: str, line: str) -> Text:
    """The line as it is shown, after the name of who wrote it; what is no JSON object is passed on as it is."""
    text = Text(f"{component:<{_NAME_WIDTH}} │ ", style=_style_of(component), end="")
    fields = parse(line)
    if fields is None:
        return text.append(line, style="default")
    if fields.get("action") == "delivery":
        _append_delivery(text, fields)
    else:
        _append_message(text, fields)
    if detail := fields.get("stack_trace"):
        text.append("".join(f"\n{'':<{_NAME_WIDTH}} │ {each}" for each in str(detail).splitlines()), style="dim")
    return text


def parse(line: str) -> Mapping[str, Any] | None:
    """The fields of a structured line; None for any other."""
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and "message" in fields else None


def _append_delivery(text: Text, fields: Mapping[str, Any]) -> None:
    verdict = str(fields.get("verdict", ""))
    text.append(f"{verdict:<9}", style=VERDICT_STYLES.get(verdict, WAITING_STYLE))
    text.append(f" {fields.get('event_type', '')}", style="default")
    text.append(f" {fields.get('event_id', '')}", style="dim default")
    facts = [f"attempt {fields['attempt']}"] if fields.get("attempt", 1) != 1 else []
    if emitted := fields.get("emitted"):
        facts.append(f"→ {emitted}")
    if (duration := fields.get("duration_ms")) is not None:
        facts.append(f"{duration:.0f} ms")
    text.append("".join(f"  {fact}" for fact in facts), style="default")
    if reason := fields.get("reason"):
        text.append(f"  {reason}", style=_severity_style(fields))


def _append_message(text: Text, fields: Mapping[str, Any]) -> None:
    severity = str(fields.get("severity", "INFO"))
    text.append(f"{severity.lower():<9} {fields['message']}", style=_severity_style(fields) or "default")
    if logger := fields.get("logger"):
        text.append(f"  {logger}", style="dim default")


def _severity_style(fields: Mapping[str, Any]) -> str:
    return _SEVERITY_STYLES.get(str(fields.get("severity", "INFO")), _ERROR_STYLE)


def _style_of(component: str) -> str:
    """The same colour for the same name, in every run."""
    return _FUNCTION_STYLES[zlib.crc32(component.encode()) % len(_FUNCTION_STYLES)]

"""The file that holds a function's slice of the topology: ``tidegate.json`` beside its ``main.py``."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tidegate.errors import ConfigurationError
from tidegate.settings import CONFIG_VARIABLE

CONFIG_FILE = "tidegate.json"

Config = TypeVar("Config", bound=BaseModel)


def read_config(source: Path, model: type[Config]) -> Config | None:
    """The slice of the topology that this process was given; None outside of a deployment.

    Args:
        source: the function's main.py.

    Raises:
        ConfigurationError: it cannot be read, or has options that do not exist.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    path = Path(named) if named else source.parent / CONFIG_FILE
    if not named and not path.exists():
        return None
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}, named in {CONFIG_VARIABLE}, cannot be read: {error}") from None
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def missing_config(source: Path) -> ConfigurationError:
    """What a function without a configuration answers requests with."""
    return ConfigurationError(
        f"no configuration: put {CONFIG_FILE} beside {source.name} (`tidegate bundle` does), "
        f"or name it in {CONFIG_VARIABLE}"
    )

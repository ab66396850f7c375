"""Reading a topology: line numbers, suggestions, every fault at once."""

import json
from pathlib import Path

import pytest

from tidegate.errors import ConfigurationError
from tidegate_ops.project import Project
from tidegate_ops.topology_file import TopologyError, load_topology, topology_schema, topology_schema_text

VALID = """\
application: parcel-desk
topics:
  order.placed: {}
functions:
  pack_order:
    topic: order.placed
    timeout_seconds: 30
"""
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "topology.yaml"


def faults(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TopologyError) as caught:
        load_topology(file)
    return str(caught.value).splitlines()


def test_a_valid_file_becomes_a_topology(file: Path) -> None:
    """What the file says is what the topology holds, defaults included."""
    file.write_text(VALID, encoding="utf-8")
    topology = load_topology(file)
    assert topology.functions["pack_order"].timeout_seconds == 30
    assert topology.functions["pack_order"].attempts == 5


def test_merge_keys_are_read(file: Path) -> None:
    """An anchor that is merged into a function counts as if written there."""
    text = VALID.replace("functions:\n  pack_order:\n", "functions:\n  pack_order: &packing\n")
    file.write_text(text + "  ship_order:\n    <<: *packing\n    concurrency: 4\n", encoding="utf-8")
    assert load_topology(file).functions["ship_order"].timeout_seconds == 30


def test_a_value_out_of_range_names_line_bound_and_example(file: Path) -> None:
    """The fault says where, what, and what to write instead."""
    assert faults(file, VALID.replace("30", "900")) == [
        "topology.yaml:7: functions.pack_order.timeout_seconds: is 900, must be at most 540; "
        "write a number of seconds such as 60"
    ]


def test_an_unknown_key_gets_a_suggestion(file: Path) -> None:
    """A misspelt key names the one that was probably meant."""
    assert faults(file, VALID.replace("timeout_seconds", "timout_seconds")) == [
        "topology.yaml:7: functions.pack_order.timout_seconds: is no known key; did you mean timeout_seconds?"
    ]


def test_an_unknown_key_like_no_other_lists_those_known(file: Path) -> None:
    """Where nothing is close, every known key is named."""
    assert "known are application, classes, dead_letter_topic" in faults(file, VALID + "zzz: 1\n")[0]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("attempts: many", 'is "many", must be a whole number; write a whole number of runs such as 5, or null'),
        ('attempts: "5"', 'is "5", must be a whole number; write a whole number of runs such as 5, or null'),
        ("ordered: yes", 'is "yes", must be true or false; write true or false'),
        ("concurrency: 0", "is 0, must be at least 1; write a whole number such as 16"),
        ("emits: order.packed", 'is "order.packed", must be a list; write a list of topics such as [flight.assessed]'),
        ("idempotency: order", 'is "order"; write event.id, or a field such as data.order_id'),
        (
            "backoff: 5",
            "is 5, must be key: value pairs; write the keys min_seconds, max_seconds, or {} for the defaults",
        ),
        ("dependencies: [1]", "is 1, must be text; write a list of names such as [rebooking-api]"),
        (
            "limits: {per_key: {key: order, singleton: {}}}",
            'is "order"; write ordering_key, or a field such as data.flight_id',
        ),
        (
            "limits: {per_key: {key: data.order_id, singleton: true}}",
            "is true, must be key: value pairs; write {}, which has no keys",
        ),
        (
            "limits: {per_key: {key: data.order_id, throttel: {}}}",
            "is no known key; did you mean throttle?",
        ),
        (
            "limits: {per_key: {key: data.order_id, throttle: {runs: 0, seconds: 1}}}",
            "is 0, must be at least 1; write a whole number",
        ),
        (
            "limits: {per_key: {key: data.order_id}}",
            "needs exactly one of singleton, throttle and debounce; correct one of the values",
        ),
    ],
)
def test_a_wrong_value_says_what_to_write(file: Path, line: str, fault: str) -> None:
    """Each kind of fault has its remedy, on its own line."""
    (found,) = faults(file, f"{VALID}    {line}\n")
    assert found.startswith("topology.yaml:8: functions.pack_order.")
    assert found.endswith(f": {fault}")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("topics: {}\nhttp_functions: {desk: {burst: many}}", 'is "many", must be a whole number'),
        (
            "topics: {}\nhttp_functions: {desk: {rate_per_second: 0}}",
            "write a number for each second such as 50, or null",
        ),
        ("topics: {a.b: {max_unsettled_jobs: -1}}", "write a whole number of jobs such as 1000, or null"),
        ("topics: {}\nhttp_functions: {desk: {burst: 9}}", "burst 9 says nothing without rate_per_second"),
    ],
)
def test_limits_of_the_front_door_say_what_to_write(file: Path, text: str, fault: str) -> None:
    """As all others do."""
    (found,) = faults(file, f"application: parcel-desk\nfunctions: {{}}\n{text}\n")
    assert fault in found


def test_rules_across_fields_are_faults_with_a_line(file: Path) -> None:
    """What a model's validator refuses is reported where the model stands."""
    (fault,) = faults(file, VALID + "limits:\n  ledger_days: 3\n")
    assert fault.startswith("topology.yaml:8: limits: ledger_days 3 must exceed")


def test_a_name_that_cannot_be_one_is_explained(file: Path) -> None:
    """A key that does not fit its pattern is named as the fault, with an example."""
    assert faults(file, VALID.replace("pack_order:", "Pack-Order:")) == [
        "topology.yaml:5: functions.Pack-Order: is no valid name; "
        "write lower-case words joined by underscores such as rebook_passengers"
    ]


def test_all_faults_come_at_once_in_the_order_of_the_file(file: Path) -> None:
    """Nobody has to run the check once per fault."""
    text = VALID.replace("parcel-desk", "X").replace("{}", "{note: 1}").replace("30", "0").replace("topic:", "topik:")
    lines = [int(fault.split(":")[1]) for fault in faults(file, text)]
    assert lines == [1, 3, 5, 6, 7]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\na: 2\n", "topology.yaml:2: found duplicate key"),
        ("a: [1\nb: 2\n", "topology.yaml:2: expected ',' or ']'"),
        ("a:\n\t- b\n", "topology.yaml:2: found character '\\t' that cannot start any token; indent with spaces"),
        ("a: *b\n", "topology.yaml:1: found undefined alias"),
        ("&a [*a]\n", "topology.yaml:1: an anchor contains its own alias"),
        ("", "topology.yaml:1: the file: is null"),
        ("- a\n", "topology.yaml:1: the file: is a list"),
    ],
)
def test_what_is_no_topology_at_all_names_the_line(file: Path, text: str, fault: str) -> None:
    """Broken YAML is a fault like any other: file, line, reason."""
    assert faults(file, text)[0].startswith(fault)


def test_unreadable_files_say_why(file: Path) -> None:
    """A missing file and one that is no text are configuration errors, not crashes."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_topology(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="no UTF-8"):
        load_topology(file)


def test_the_schema_describes_fields_and_refuses_unknown_names() -> None:
    """Editors can complete keys and flag those that are not allowed."""
    schema = topology_schema()
    assert schema["properties"]["functions"]["additionalProperties"] is False
    assert "description" in schema["$defs"]["Function"]["properties"]["timeout_seconds"]


def test_the_committed_schema_is_the_generated_one() -> None:
    """`tidegate topology schema --write` has been run since the topology's model changed."""
    committed = Project(REPOSITORY).topology_schema_path.read_text(encoding="utf-8")
    assert committed == topology_schema_text()
    assert json.loads(committed) == topology_schema()


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("acess: iam", "acess: is no known key; did you mean access?"),
        ("access: anybody", 'access: is "anybody"; write iam, api_keys or public'),
        (
            "accepts: order.placed",
            'accepts: is "order.placed", must be a list; write a list of topics such as [note.edited]',
        ),
        (
            "timeout_seconds: 4000",
            "timeout_seconds: is 4000, must be at most 3600; write a number of seconds such as 60",
        ),
        (
            "topic: order.placed",
            "topic: is no known key; known are accepts, access, burst, concurrency, description, "
            "rate_per_second, timeout_seconds",
        ),
    ],
)
def test_faults_of_http_functions_say_what_to_write(file: Path, lines: str, fault: str) -> None:
    """Suggestions and remedies are those of the kind that the function is."""
    assert faults(file, VALID + f"http_functions:\n  gateway:\n    {lines}\n") == [
        f"topology.yaml:10: http_functions.gateway.{fault}"
    ]


def test_names_of_http_functions_are_names_of_functions(file: Path) -> None:
    """The remedy says how names are written."""
    assert faults(file, VALID + "http_functions:\n  Gate-way: {}\n") == [
        "topology.yaml:9: http_functions.Gate-way: is no valid name; "
        "write lower-case words joined by underscores such as rebook_passengers"
    ]

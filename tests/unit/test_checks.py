"""What `tidegate check` finds when topology, contracts and handlers disagree."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tidegate_ops.checks import Application, check
from tidegate_ops.checks.governor import check_governor
from tidegate_ops.checks.jobs import check_jobs
from tidegate_ops.checks.limits import check_limits
from tidegate_ops.project import Project

REPOSITORY = Path(__file__).parents[2]


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def topology(project: Project, old: str, new: str) -> None:
    edit(project, "infra/topology.yaml", old, new)


def only(project: Project) -> str:
    (finding,) = check(project)
    assert finding.fix
    return f"{finding.where}: {finding.problem}"


def test_a_consistent_project_has_no_findings(project: Project) -> None:
    """Silence means that it may be deployed."""
    assert check(project) == []


def test_a_function_without_a_folder(project: Project) -> None:
    """The topology names a function that nobody wrote."""
    topology(project, "  dead_letters:", "  ship_order: {topic: order.packed}\n  dead_letters:")
    assert only(project) == "infra/topology.yaml:11: functions.ship_order: functions/ship_order is missing"


@pytest.mark.parametrize("file", ["main.py", "requirements.txt"])
def test_a_folder_without_one_of_its_files(project: Project, file: str) -> None:
    """Both files are part of every function."""
    (project.functions_dir / "pack_order" / file).unlink()
    assert only(project) == f"functions/pack_order/{file}: is missing"


def test_a_folder_without_a_function(project: Project) -> None:
    """A folder that nothing deploys is a mistake; caches are none."""
    (project.functions_dir / "stray").mkdir()
    (project.functions_dir / "__pycache__").mkdir()
    assert only(project) == "functions/stray: is no function of the topology"


def test_a_consistent_project_with_an_http_function(http_project: Project) -> None:
    """Functions of both kinds agree with the topology."""
    assert check(http_project) == []


def test_an_http_function_without_a_folder(http_project: Project) -> None:
    """The topology names an HTTP function that nobody wrote."""
    shutil.rmtree(http_project.functions_dir / "front_desk")
    assert only(http_project) == "infra/topology.yaml:19: http_functions.front_desk: functions/front_desk is missing"


def test_an_http_folder_without_its_main(http_project: Project) -> None:
    """The fix names the decorator of its kind."""
    (http_project.functions_dir / "front_desk" / "main.py").unlink()
    (finding,) = check(http_project)
    assert finding.where == "functions/front_desk/main.py"
    assert finding.fix == "create it with a function `front_desk` under @http_function"


def test_a_function_of_the_other_kind(http_project: Project) -> None:
    """What the topology serves over HTTP must be decorated for it."""
    edit(http_project, "functions/front_desk/main.py", "@http_function\n", "")
    assert "has no function `front_desk` under @http_function" in only(http_project)


def test_an_http_function_that_accepts_an_undeclared_topic(http_project: Project) -> None:
    """A misspelt topic is found, with the one that was probably meant."""
    topology(http_project, "accepts: [order.placed]", "accepts: [order.placed, order.plased]")
    (finding,) = check(http_project)
    assert finding.where == "infra/topology.yaml:20: http_functions.front_desk.accepts[1]"
    assert "topic order.plased is not declared" in finding.problem
    assert "did you mean order.placed?" in finding.fix


def test_an_http_function_that_accepts_dead_letters(http_project: Project) -> None:
    """Nobody outside writes letters."""
    topology(http_project, "accepts: [order.placed]", "accepts: [dead.letters]")
    assert "dead.letters carries dead letters, which only the runtime writes" in only(http_project)


def test_an_http_function_that_accepts_what_nobody_handles(http_project: Project) -> None:
    """Every submission would be refused."""
    topology(http_project, "accepts: [order.placed]", "accepts: [order.placed, order.packed]")
    assert only(http_project) == (
        "infra/topology.yaml:20: http_functions.front_desk.accepts[1]: "
        "no function consumes order.packed, so every submission would be refused"
    )


@pytest.mark.parametrize(
    ("topic", "function", "otherwise"),
    [
        ("job.advanced", "advance_jobs", "compensations, would never be published"),
        ("job.settled", "tell_client", "nobody would be told that a job has settled"),
    ],
)
def test_accepted_events_without_a_system_function(
    http_project: Project, topic: str, function: str, otherwise: str
) -> None:
    """A job would owe something that nobody publishes; a page that accepts nothing makes no jobs."""
    topology(http_project, f"  {function}: {{topic: {topic}}}\n", "")
    shutil.rmtree(http_project.functions_dir / function)
    found = only(http_project)
    assert found.startswith("infra/topology.yaml:19: http_functions.front_desk.accepts: accepting events makes jobs")
    assert f"no function consumes {topic}: " in found
    assert otherwise in found
    topology(http_project, "    accepts: [order.placed]\n", "")
    assert check(http_project) == []


def test_a_topic_with_more_subscribers_than_a_message_can_name(project: Project) -> None:
    """A job names those it waits for in one attribute, which Pub/Sub bounds."""
    application = Application.load(project)
    pack_order = application.topology.functions["pack_order"]

    def with_packers(count: int) -> Application:
        # With their commas, 16 of them are 1,023 bytes.
        packers = {f"pack_order_{number:02}_{'x' * 49}": pack_order for number in range(count)}
        return replace(application, topology=application.topology.model_copy(update={"functions": packers}))

    assert list(check_jobs(with_packers(16))) == []
    [finding] = check_jobs(with_packers(17))
    assert finding.where == "infra/topology.yaml:3: topics.order.placed"
    assert "17 subscribers make an attribute of 1,087 bytes" in finding.problem


def test_an_http_function_that_imports_tools(http_project: Project) -> None:
    """What never ships is out of its reach, too."""
    edit(http_project, "functions/front_desk/main.py", "from greetings", "import tidegate_ops\nfrom greetings")
    assert "imports tidegate_ops, which never ships" in only(http_project)


def test_a_handler_that_cannot_be_imported(project: Project) -> None:
    """The import's own error is the finding."""
    edit(project, "functions/pack_order/main.py", "from weights", "from wights")
    assert "cannot be imported (ModuleNotFoundError" in only(project)


def test_a_handler_of_another_contract(project: Project) -> None:
    """What the handler takes must be what its topic carries."""
    edit(project, "functions/pack_order/main.py", "order: OrderPlaced", "order: OrderPacked")
    assert only(project) == "functions/pack_order/main.py: takes order.packed v1, but its topic is order.placed"


def test_a_handler_that_returns_what_is_not_declared(project: Project) -> None:
    """The annotation is checked against `emits` ..."""
    topology(project, "    emits: [order.packed]\n", "")
    assert "its handler returns OrderPacked, but order.packed is not among its emits" in only(project)


def test_a_declared_event_that_no_handler_returns(project: Project) -> None:
    """... and `emits` against the annotation."""
    edit(project, "functions/pack_order/main.py", "list[OrderPacked]", "None")
    assert "return annotation names no contract of order.packed" in only(project)


def test_a_dead_letter_function_that_takes_an_event(project: Project) -> None:
    """Dead letters are no events of a contract."""
    edit(
        project,
        "functions/dead_letters/main.py",
        "from tidegate",
        "from contracts.orders import OrderPlaced\nfrom tidegate",
    )
    edit(project, "functions/dead_letters/main.py", "letter: DeadLetter", "letter: OrderPlaced")
    assert "takes OrderPlaced, but its topic dead.letters carries dead letters" in only(project)


def test_a_dead_letter_handler_on_an_ordinary_topic(project: Project) -> None:
    """Only the dead-letter topic carries dead letters."""
    main = project.functions_dir / "pack_order" / "main.py"
    main.write_text(
        (project.functions_dir / "dead_letters" / "main.py").read_text().replace("def dead_letters", "def pack_order")
    )
    topology(project, "    emits: [order.packed]\n", "")
    assert only(project) == "functions/pack_order/main.py: takes dead letters, but its topic is order.placed"


def test_a_topic_without_a_contract(project: Project) -> None:
    """Every topic but that of dead letters has a contract."""
    topology(project, "  dead.letters: {}", "  order.lost: {}\n  dead.letters: {}")
    assert only(project) == "infra/topology.yaml:5: topics.order.lost: no contract has this type"


def test_two_contracts_of_one_version(project: Project) -> None:
    """Nobody could tell which of the two is meant."""
    edit(
        project,
        "infra/contracts/orders.py",
        "class OrderPacked",
        "class Twin(Contract, type='order.placed', version=1):\n    a: int\n\n\nclass OrderPacked",
    )
    assert only(project) == "infra/contracts: 2 contracts are order.placed v1"


def test_an_older_contract_beside_the_current_one(project: Project) -> None:
    """Two versions live side by side; the higher one is current."""
    edit(
        project,
        "infra/contracts/orders.py",
        "class OrderPacked",
        "class Next(Contract, type='order.placed', version=2):\n    a: int\n\n\nclass OrderPacked",
    )
    assert check(project) == []
    current = Application.load(project).current_contract("order.placed")
    assert current is not None
    assert current.label() == "order.placed v2"


def test_topics_that_are_not_declared(project: Project) -> None:
    """Whoever names a topic is held to those declared; the nearest one is suggested."""
    topology(project, "  order.packed: {}\n", "")
    (finding,) = check(project)
    assert str(finding).startswith("infra/topology.yaml:8: functions.pack_order.emits[0]: topic order.packed is not")
    assert "did you mean order.placed?" in finding.fix


def test_dead_letters_need_exactly_one_taker(project: Project) -> None:
    """Without one they are lost, with two they are filed twice."""
    topology(project, "dead_letters:\n    topic: dead.letters", "dead_letters:\n    topic: order.placed")
    problems = [finding.problem for finding in check(project)]
    assert "dead.letters is consumed by no function" in problems


def test_a_dead_letter_topic_that_is_not_declared(project: Project) -> None:
    """It is provisioned like any other topic, so it must be declared."""
    topology(project, "  dead.letters: {}\n", "")
    assert "topic dead.letters is not declared" in [finding.problem for finding in check(project)]


def test_a_schedule_with_data_that_does_not_fit(project: Project) -> None:
    """What a schedule publishes is checked before its first day."""
    schedule = 'schedules:\n  nightly:\n    cron: "0 6 * * *"\n    topic: order.placed\n    data: {order_id: 7}\n'
    topology(project, "functions:", schedule + "functions:")
    found = only(project)
    assert found.startswith("infra/topology.yaml:10: schedules.nightly.data: does not fit order.placed v1")
    assert "items: Field required" in found


@pytest.mark.parametrize(
    ("cron", "timezone", "found", "fix"),
    [
        ("0 25 * * *", "Etc/UTC", "9: schedules.nightly.cron: '25' is no hour (0-23)", "write a value, a list"),
        ("0 6 31 2 *", "Etc/UTC", "9: schedules.nightly.cron: '0 6 31 2 *' is never due", "write a day that one"),
        ("0 6 * * *", "Europe/Pariss", "10: schedules.nightly.timezone: 'Europe/Pariss' is no", "mean Europe/Paris?"),
    ],
)
def test_a_schedule_at_times_that_there_are_not(
    project: Project, cron: str, timezone: str, found: str, fix: str
) -> None:
    """Cloud Scheduler would refuse it only while it is deployed."""
    topology(
        project,
        "functions:",
        f"schedules:\n  nightly:\n    topic: order.placed\n    cron: '{cron}'\n    timezone: {timezone}\n"
        "    data: {order_id: a, items: []}\nfunctions:",
    )
    (finding,) = check(project)
    assert str(finding).startswith(f"infra/topology.yaml:{found}")
    assert fix in finding.fix


def test_a_schedule_that_fits(project: Project) -> None:
    """A schedule of a declared topic with data of its contract is fine."""
    data = "{order_id: a, items: []}"
    topology(
        project,
        "functions:",
        f'schedules:\n  nightly: {{cron: "0 6 * * *", topic: order.placed, data: {data}}}\nfunctions:',
    )
    assert check(project) == []


def test_a_dependency_that_is_not_declared(project: Project) -> None:
    """A function may use only what the topology describes."""
    topology(project, "    timeout_seconds: 30", "    dependencies: [label-api]")
    assert "dependency label-api is not declared" in only(project)


def test_a_dependency_that_outlasts_the_run(project: Project) -> None:
    """A service that hangs must be found out before the run's own time is over."""
    topology(project, "    timeout_seconds: 30", "    timeout_seconds: 30\n    dependencies: [label-api]")
    declaration = "dependencies:\n  label-api: {url: https://label.example, timeout_seconds: SECONDS}\nfunctions:"
    topology(project, "functions:", declaration.replace("SECONDS", "29"))
    assert check(project) == []
    topology(project, "timeout_seconds: 29", "timeout_seconds: 30")
    assert "one use of label-api may last 30 s, a whole run 30 s" in only(project)


def test_a_pure_handler_with_a_dependency(project: Project) -> None:
    """A call to the outside is an effect."""
    edit(project, "functions/pack_order/main.py", "@function\n", "@function(pure=True)\n")
    assert check(project) == []
    topology(project, "    timeout_seconds: 30", "    dependencies: [label-api]")
    topology(project, "functions:", "dependencies:\n  label-api: {url: https://label.example}\nfunctions:")
    assert "declared pure" in only(project)


def test_endless_attempts_of_an_ordinary_function(project: Project) -> None:
    """Only the last resort may try for ever."""
    topology(project, "    timeout_seconds: 30", "    attempts: null")
    assert only(project).startswith("infra/topology.yaml:10: functions.pack_order.attempts: null would retry")


def test_a_lease_longer_than_any_ack_deadline(project: Project) -> None:
    """Pub/Sub would deliver again while the handler still may work; the model's own bounds leave no room for it."""
    application = Application.load(project)
    limits = application.topology.limits.model_copy(update={"lease_margin_seconds": 580})
    stretched = application.topology.model_copy(update={"limits": limits})
    loaded = Application(project, application.source, stretched, (), {}, {})
    assert [finding.fix for finding in check_limits(loaded)] == ["write at most 20", "write at most 20"]


def test_a_cycle_that_nobody_declared(project: Project) -> None:
    """The way around is shown; `recursive: true` on everybody on it says that it is meant."""
    topology(project, "emits: [order.packed]", "emits: [order.packed, order.placed]")
    edit(project, "functions/pack_order/main.py", "list[OrderPacked]", "list[OrderPacked | OrderPlaced]")
    assert only(project).endswith("its events lead back to itself: pack_order → pack_order")
    topology(project, "    timeout_seconds: 30", "    recursive: true")
    assert check(project) == []


def test_an_idempotency_field_that_the_contract_lacks(project: Project) -> None:
    """The key would be missing from every event."""
    topology(project, "    timeout_seconds: 30", "    idempotency: data.number")
    assert only(project).endswith("order.placed v1 has no field number")
    topology(project, "data.number", "data.order_id")
    assert check(project) == []


@pytest.mark.parametrize(
    ("classes", "lines", "where", "problem"),
    [
        ("[a, b]", "overload_seconds: 61", "", ""),
        ("[a, b, a]", "", "2: classes", "a stands there 2 times"),
        (
            "[a]",
            "overload_seconds: 61",
            "12: functions.pack_order.overload_seconds",
            "there are no classes below the first, whose events are never shed",
        ),
        (
            "[a, b]",
            "overload_seconds: 60",
            "12: functions.pack_order.overload_seconds",
            "its backoff alone may let an event wait for 60 s before its first run",
        ),
        (
            "[a, b]",
            "overload_seconds: 61\n    ordered: true",
            "12: functions.pack_order.overload_seconds",
            "an ordered function may rely on each event before the one it gets, and one that is shed would be missing",
        ),
        (
            "[a, b]",
            "overload_seconds: 120\n    limits: {per_key: {key: data.order_id, debounce: "
            "{quiet_seconds: 5, longest_seconds: 60}}}",
            "12: functions.pack_order.overload_seconds",
            "its backoff and its debounce alone may let an event wait for 120 s before its first run",
        ),
    ],
)
def test_shedding(project: Project, classes: str, lines: str, where: str, problem: str) -> None:
    """What could never be shed, or would be without any overload."""
    topology(project, "topics:\n", f"classes: {classes}\ntopics:\n")
    topology(project, "    timeout_seconds: 30", f"    timeout_seconds: 30\n    {lines}")
    found = [f"{each.where}: {each.problem}" for each in check(project)]
    assert found == ([f"infra/topology.yaml:{where}: {problem}"] if problem else [])


def test_an_undeclared_class(project: Project) -> None:
    """Nobody would know its rank."""
    topology(project, "topics:\n", "classes: [interactive, bulk]\ntopics:\n")
    topology(project, "order.placed: {}", "order.placed: {class: bluk}")
    (finding,) = check(project)
    assert finding.where == "infra/topology.yaml:4: topics.order.placed.class"
    assert (finding.problem, finding.fix) == (
        "class bluk is not declared",
        "add it to classes, in its rank (did you mean bulk?)",
    )


def test_dead_letters_are_not_shed(project: Project) -> None:
    """Nothing may be lost here."""
    topology(project, "topics:\n", "classes: [interactive, bulk]\ntopics:\n")
    topology(project, "    attempts: null", "    attempts: null\n    overload_seconds: 61")
    assert only(project).endswith("dead letters must not be shed")


SINGLETON = "limits: {per_key: {key: data.order_id, singleton: {}}}"
DEBOUNCE = "limits: {per_key: {key: data.order_id, debounce: {quiet_seconds: 5, longest_seconds: 60}}}"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (SINGLETON, None),
        ("limits: {per_key: {key: data.order_id, throttle: {runs: 5, seconds: 60}}}", None),
        (DEBOUNCE, None),
        (SINGLETON.replace("order_id", "number"), "order.placed v1 has no field number, so no event would be limited"),
        (
            f"{DEBOUNCE}\n    ordered: true",
            "an ordered function gets an event only after the one before it has ended, so none would be superseded",
        ),
        (
            "limits: {per_key: {key: ordering_key, singleton: {}}}\n    ordered: true",
            "an ordered function works on one event of an ordering key at a time in any case",
        ),
        (f"{SINGLETON}\n    ordered: true", None),
        (
            f"{DEBOUNCE}\n    idempotency: data.order_id",
            "its idempotency data.order_id makes several events one piece of work, "
            "which would be concluded with the first of them that is superseded",
        ),
        (
            "limits: {per_key: {key: data.order_id, throttle: {runs: 1, seconds: 600}}}",
            "10 runs of a key take 6000 s, and with this backoff Pub/Sub gives up on a waiting event after 5643 s, "
            "its 100 deliveries",
        ),
        (
            "limits: {per_key: {key: data.order_id, throttle: {runs: 1, seconds: 600}}}\n"
            "    backoff: {max_seconds: 120}",
            None,
        ),
        (
            f"{SINGLETON}\n    backoff: {{max_seconds: 4}}",
            "10 runs of a key may take 450 s, and with this backoff Pub/Sub gives up on a waiting event after 391 s, "
            "its 100 deliveries",
        ),
        (
            f"{DEBOUNCE}\n    backoff: {{min_seconds: 0, max_seconds: 0.5}}",
            "a burst may last 60 s, and with this backoff Pub/Sub gives up on a waiting event after 48.7 s, "
            "its 100 deliveries",
        ),
    ],
)
def test_limits_per_key(project: Project, lines: str, problem: str | None) -> None:
    """What counts by nothing, what cannot hold, and what Pub/Sub would not wait for."""
    topology(project, "    timeout_seconds: 30", f"    timeout_seconds: 30\n    {lines}")
    found = check(project)
    assert [each.problem for each in found] == ([problem] if problem else [])
    assert all(each.where.startswith("infra/topology.yaml:11: functions.pack_order.limits.per_key") for each in found)


def test_a_limit_on_a_pure_handler(project: Project) -> None:
    """It runs before anything is claimed."""
    topology(project, "    timeout_seconds: 30", f"    {SINGLETON}")
    edit(project, "functions/pack_order/main.py", "@function\n", "@function(pure=True)\n")
    assert "its handler is declared pure" in only(project)


def test_a_limit_on_dead_letters(project: Project) -> None:
    """They end here, at once."""
    topology(project, "    attempts: null", f"    attempts: null\n    {SINGLETON}")
    assert only(project).endswith("dead letters must not wait, nor be shed")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("import tidegate_ops.project", "imports tidegate_ops.project, which never ships"),
        ("from tidegate.testing import World", "imports tidegate.testing, which never ships"),
        ("import tidegate.client", "imports tidegate.client, which never ships"),
        ("from dead_letters import main", "imports dead_letters, another function's code"),
        ("from functions.dead_letters import main", "imports functions.dead_letters, another function's code"),
    ],
)
def test_imports_that_fail_once_deployed(project: Project, line: str, problem: str) -> None:
    """They are found in any module of the function, without running it."""
    (project.functions_dir / "pack_order" / "later.py").write_text(f"def run() -> None:\n    {line}\n")
    assert only(project) == f"functions/pack_order/later.py:2: {problem}"


def test_a_bound_on_what_nobody_can_submit(http_project: Project) -> None:
    """What is emitted by functions passes no front door."""
    topology(http_project, "  order.packed: {}", "  order.packed: { max_unsettled_jobs: 10 }")
    assert only(http_project).endswith(
        "topics.order.packed.max_unsettled_jobs: bounds nothing: no HTTP function accepts this topic"
    )


def test_a_rate_where_nothing_is_submitted(http_project: Project) -> None:
    """A page's readers hand nothing in."""
    topology(http_project, "accepts: [order.placed]", "rate_per_second: 5")
    assert "http_functions.front_desk.rate_per_second: limits nothing" in only(http_project)


def test_this_repository_is_consistent() -> None:
    """The reference application itself passes."""
    assert [str(finding) for finding in check(Project(REPOSITORY))] == []


def test_a_governor_that_nothing_wakes() -> None:
    """Without a schedule, a lost event would leave functions paused."""
    application = Application.load(Project(REPOSITORY))
    assert list(check_governor(application)) == []
    alone = replace(application, topology=application.topology.model_copy(update={"schedules": {}}))
    [finding] = check_governor(alone)
    assert "functions.governor.topic" in finding.where
    assert 'cron "* * * * *"' in finding.fix

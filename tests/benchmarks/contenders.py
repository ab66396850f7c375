"""Who is measured: something that takes deliveries, in processes of its own."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Protocol

from tests.benchmarks.load import Answers, Load, Make, send
from tests.benchmarks.pushes import pushes
from tests.benchmarks.recipes import Recipe, wait_listening
from tests.benchmarks.scenarios import Scenario
from tidegate_ops.function_service import FunctionService
from tidegate_ops.processes import ManagedProcess, stop_all


class Contender(Protocol):
    """Something that takes deliveries.

    Attributes:
        label: what the tables call it.
    """

    label: str

    def start(self) -> None:
        """Start it, and return once it takes deliveries."""
        ...

    def stop(self) -> None:
        """End it; harmless when it never started."""
        ...

    def takes(self, scenario: Scenario) -> bool:
        """Whether the scenario means anything to it."""
        ...

    def pid(self, scenario: Scenario) -> int:
        """The process that does, with its descendants, what the scenario asks for."""
        ...

    def deliver(self, scenario: Scenario, batch: str, deliveries: int) -> Answers:
        """Make so many deliveries; those of the same ``batch`` are of the same events.

        Raises:
            Refused: one was not answered with success.
        """
        ...


class FunctionContender:
    """A function behind HTTP; ``pure`` is the one that takes what is pure, where that is another.

    ``environment`` is in place of what the recipes say; ``make`` makes the requests.
    """

    def __init__(
        self,
        label: str,
        recipe: Recipe,
        generator: ProcessPoolExecutor,
        *,
        pure: Recipe | None = None,
        environment: Mapping[str, str] | None = None,
        make: Make = pushes,
    ) -> None:
        self.label = label
        self._generator = generator
        self._make = make
        self._service = recipe.service(environment)
        self._pure = pure.service(environment) if pure else self._service

    @property
    def _processes(self) -> Iterable[ManagedProcess]:
        return {id(each): each.process for each in (self._service, self._pure)}.values()

    def start(self) -> None:
        for process in self._processes:
            process.start()
        for service in (self._service, self._pure):
            wait_listening(service)

    def stop(self) -> None:
        stop_all(self._processes)

    def takes(self, scenario: Scenario) -> bool:
        return True

    def pid(self, scenario: Scenario) -> int:
        return self._of(scenario).process.pid

    def deliver(self, scenario: Scenario, batch: str, deliveries: int) -> Answers:
        load = Load(f"127.0.0.1:{self._of(scenario).port}", scenario, batch, deliveries, self._make)
        return self._generator.submit(send, load).result()

    def _of(self, scenario: Scenario) -> FunctionService:
        return self._pure if scenario.pure else self._service

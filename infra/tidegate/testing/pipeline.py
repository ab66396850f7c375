"""A whole application in memory, for a test to feed and to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.clock import Clock
from tidegate.contracts import Contract
from tidegate.handlers import Handler
from tidegate.messages import Message, Outgoing
from tidegate.ports import Ledger
from tidegate.reports import Report
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.filed_letters import FiledLetter, LetterFile, Selection
from tidegate_ops.redrive import Redrive

C = TypeVar("C", bound=Contract)


@dataclass(frozen=True, slots=True)
class Run:
    """What happened until an application was at rest.

    Attributes:
        reports: how each delivery ended, in the order in which they did.
        published: topic and message of all that was published, the first events among it.
        letters: the dead letters that are open at its end.
    """

    reports: tuple[Report, ...]
    published: tuple[tuple[str, Message], ...]
    letters: tuple[FiledLetter, ...]

    def verdicts(self, function: str) -> list[Verdict]:
        """How the deliveries to one function ended."""
        return [each.verdict for each in self.reports if each.function == function]

    def events(self, contract: type[C]) -> list[C]:
        """The events of one contract that were published, in order."""
        return [contract.parse(each.data) for topic, each in self.published if topic == contract.event_type]


class Pipeline:
    """An application that works while its loop runs.

    Attributes:
        reports: how each delivery ended so far.
        published: topic and message of all that was published so far.
        letters: the file of its dead letters, where its function for them files them as `dead_letters` does.
        redriving: sends them back.
    """

    def __init__(
        self,
        topology: Topology,
        handlers: Mapping[str, Handler],
        *,
        clock: Clock,
        documents: MemoryDocuments | None = None,
        ledger: Ledger | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.reports: list[Report] = []
        self.published: list[tuple[str, Message]] = []
        self.application = EmbeddedApplication(
            topology,
            handlers,
            environment=environment or {},
            on_report=self.reports.append,
            on_message=lambda topic, message: self.published.append((topic, message)),
            clock=clock,
            documents=documents,
            ledger=ledger,
        )
        self.firestore = memory_firestore(self.application.documents)
        self.letters = LetterFile(self.firestore, topology.functions)
        self.redriving = Redrive(self.letters, self.application.broker, topology, "a test", clock=clock)

    async def run(self, messages: Sequence[Outgoing] = ()) -> Run:
        """Publish, and wait until everything that follows at once or after retries has happened."""
        reports, published = len(self.reports), len(self.published)
        await self.application.broker.publish(messages)
        await self.application.broker.drained()
        letters = await self.open_letters()
        return Run(tuple(self.reports[reports:]), tuple(self.published[published:]), tuple(letters))

    async def redrive(self, data: bytes = b"") -> Run:
        """Send every open dead letter back to the function that gave it up, with its own data or ``data``, and wait."""
        reports, published = len(self.reports), len(self.published)
        for letter in await self.open_letters():
            await self.redriving.send(letter, data or await self.letters.payload(letter))
        run = await self.run()
        return Run(tuple(self.reports[reports:]), tuple(self.published[published:]), run.letters)

    async def open_letters(self) -> list[FiledLetter]:
        """The dead letters that nobody has settled, in the order of their deaths."""
        return await self.letters.select(Selection(all=True))

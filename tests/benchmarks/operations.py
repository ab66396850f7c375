"""What a delivery asks of Firestore and Pub/Sub, counted on the wire."""

from dataclasses import dataclass

from tests.benchmarks.load import Refused
from tests.benchmarks.scenarios import Scenario
from tests.benchmarks.tap import Tap


@dataclass(frozen=True, slots=True)
class Operations:
    """What one delivery comes to on average; calls are shared where deliveries are under way at the same time.

    Attributes:
        writes, reads: documents, as Firestore bills them.
        firestore_calls, publish_calls: requests over the network.
        messages: events that were published.
    """

    writes: float
    reads: float
    firestore_calls: float
    messages: float
    publish_calls: float

    @classmethod
    def of(cls, tap: Tap, scenario: Scenario, deliveries: int) -> "Operations":
        """Share what the tap has counted among the deliveries.

        Raises:
            Refused: other events were published than those that were to be.
        """
        copies, published = deliveries * scenario.copies, len(set(tap.message_ids))
        if not scenario.duplicate and (published != copies or len(tap.message_ids) != copies):
            raise Refused(f"{len(tap.message_ids)} events were published, {published} different ones, and not {copies}")
        counter = tap.counter
        calls = counter.commits + counter.batch_writes + counter.gets + counter.others
        counts = (counter.writes, counter.reads, calls, counter.messages, counter.publishes)
        return cls(*(each / deliveries for each in counts))

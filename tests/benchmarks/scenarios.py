"""What is delivered: how much it emits, how large it is, how many are under way at a time."""

from dataclasses import dataclass

IN_FLIGHT = 50


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of delivery.

    Attributes:
        copies: how many events it emits.
        text_bytes: how much text the event carries beside its other fields.
        in_flight: how many deliveries are under way at a time.
        pure: whether Tidegate's handler is declared pure; those written by hand know no such thing.
        duplicate: whether what is measured is the second delivery of each event.
        share: of the deliveries of a run, how many are enough of this kind.
    """

    name: str
    copies: int = 1
    text_bytes: int = 100
    in_flight: int = IN_FLIGHT
    pure: bool = False
    duplicate: bool = False
    share: float = 1.0

    def deliveries(self, run: int) -> int:
        """How many a run makes where a plain one makes ``run``; never too few to fill what is in flight."""
        return max(round(run * self.share), min(self.in_flight, run))


HEADLINE = Scenario("one child")

SCENARIOS = (
    HEADLINE,
    Scenario("leaf", copies=0),
    Scenario("pure leaf", copies=0, pure=True),
    Scenario("pure, one child", pure=True),
    Scenario("fan-out of 100", copies=100, share=0.2),
    Scenario("duplicate", duplicate=True),
    Scenario("1 KB", text_bytes=1_000),
    Scenario("100 KB", text_bytes=100_000, share=0.3),
    Scenario("1 in flight", in_flight=1, share=0.3),
    Scenario("pure, 1 in flight", in_flight=1, pure=True, share=0.3),
    Scenario("10 in flight", in_flight=10),
    Scenario("80 in flight", in_flight=80),
)
"""The first is the headline: one emitted event."""

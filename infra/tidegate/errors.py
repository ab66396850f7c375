"""What can go wrong, as types: one root, few children, attributes instead of parsed strings."""


class TidegateError(Exception):
    """Root of every error that Tidegate raises on purpose."""


class Reject(TidegateError):
    """Raised by a handler: this event can never succeed, so dead-letter it at once.

    The message becomes the dead letter's reason; write it for the person on call.
    Any other exception means "try again later".
    """


class ConfigurationError(TidegateError):
    """The function's configuration or its environment is wrong; the message says what to write."""


class ContractViolation(TidegateError):
    """Data does not fit the contract; the message names each field and what is wrong with it."""


class Undecodable(TidegateError):
    """An input that cannot be read as an event; the message says which part and why."""


class LeaseLost(TidegateError):
    """The delivery no longer owns its record: another worker took over, or its time is up.

    Nothing this delivery still does may count; the engine discards its work.
    """


class StepFailed(TidegateError):
    """A step's result cannot be recorded (not JSON, or too large); nothing was stored."""


class WriteConflict(TidegateError):
    """A guarded write was refused: a precondition did not hold. Nothing of the write stands."""


class WriteRefused(TidegateError):
    """The store will never accept this write (too large, malformed). Nothing of the write stands."""


class StoreUnavailable(TidegateError):
    """The store did not answer, or not usefully. A write sent to it may or may not stand."""


class PublishFailed(TidegateError):
    """Not every message was accepted by the broker; some may have been."""


class SubscriptionUnavailable(TidegateError):
    """A subscription could not be read or changed; a change may or may not stand."""


class DependencyCutOff(TidegateError):
    """A dependency must not be used now: it is cut off, or its rate is used up for as long as this run may last.

    Raised by `Context.dependency`. A handler that lets it pass is run again later, and has spent no attempt.

    Attributes:
        dependency: its name in the topology.
    """

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency} {reason}")
        self.dependency = dependency

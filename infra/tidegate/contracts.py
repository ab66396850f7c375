"""Contracts: pydantic models of one event type and version each.

A consumer is a tolerant reader: it ignores fields it does not know, so that a producer may add
one. `tidegate contracts check` keeps every other change from reaching consumers.
"""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from tidegate.errors import ContractViolation


class Contract(BaseModel):
    """Base of every event model::

        class FlightCancelled(Contract, type="flight.cancelled", version=1):
            flight_id: str

    ``type`` is the CloudEvents type and the topic's name; ``version`` starts at 1 and grows with
    each change that a consumer of the old one could not read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str] = ""
    event_version: ClassVar[int] = 0

    def __init_subclass__(cls, *, type: str = "", version: int = 0, **options: Any) -> None:
        super().__init_subclass__(**options)
        if type:
            if version < 1:
                raise TypeError(f"{cls.__name__}: a contract needs version=1 or higher beside type={type!r}")
            cls.event_type, cls.event_version = type, version

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the payload's JSON text.

        Raises:
            ContractViolation: naming every field that does not fit.
        """
        if not data:
            raise ContractViolation(f"data is empty: expected a JSON object of {cls.label()}")
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            faults = [
                f"{'.'.join(str(part) for part in fault['loc']) or 'data'}: {fault['msg']}"
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ]
            raise ContractViolation(f"does not fit {cls.label()}: {'; '.join(faults)}") from None
        except Exception as error:
            # A validator of the model's own that stumbles over this data will do so at every attempt.
            raise ContractViolation(f"a validator of {cls.label()} failed: {type(error).__name__}: {error}") from error

    @classmethod
    def label(cls) -> str:
        """How people name it: ``flight.cancelled v1``."""
        return f"{cls.event_type} v{cls.event_version}"

    def to_json(self) -> bytes:
        """The payload as it is published."""
        return self.model_dump_json(by_alias=True).encode()

"""A dependency's breaker in one instance, which shares with all others when it opens and closes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from tidegate.breakers import Admission, Circuit, Phase, State, admit, conclude, is_admissible, learn
from tidegate.dependency_limits import Breaker
from tidegate.errors import DependencyCutOff, PublishFailed, StoreUnavailable, WriteConflict
from tidegate.pauses import woken
from tidegate.ports import Ports, StoredCircuit
from tidegate.signs import Sign, described, sign_of
from tidegate.versions import Version

KNOWN_FOR = timedelta(seconds=5)
"""How long an instance goes by what it has read; read anew only where the dependency is asked for."""

_WAKING_SECONDS = 3.0


class SharedBreaker:
    """Cuts a dependency off, and tries it again. Wakes the governor where its own opening of the circuit stands.

    A store that does not answer stops nothing: the instance goes by what it knows itself, and tells the others
    with its next reading. Where two change the circuit at once, the first to write it is right.
    """

    def __init__(self, dependency: str, limits: Breaker, ports: Ports) -> None:
        self._dependency = dependency
        self._limits = limits
        self._circuits = ports.circuits
        self._publisher = ports.publisher
        self._clock = ports.clock
        self._state = State()
        self._shared = Circuit()
        self._version: Version | None = None
        self._read_at: datetime | None = None
        self._sharing = asyncio.Lock()
        self._failed_probe: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether the last use was answered, as far as is known."""
        return not self._state.circuit.is_open and not self._state.failures

    async def gate(self, event_id: str) -> None:
        """Return if an event's run may begin now. After a failed probe, another event has the first try at the next.

        Raises:
            DependencyCutOff: it may not.
        """
        await self.check()
        if event_id == self._failed_probe and self._state.phase(self._clock()) is Phase.HALF_OPEN:
            self._failed_probe = None  # if no other comes before it comes again, it is the probe again
            raise DependencyCutOff(self._dependency, "is to be probed with another event: this one's probe failed")

    async def check(self) -> None:
        """Return if a use may begin now.

        Raises:
            DependencyCutOff: it may not.
        """
        await self._refresh()
        now = self._clock()
        if is_admissible(self._state, self._limits, now):
            return
        reason = f"({self._state.circuit.reason})"
        if self._state.phase(now) is Phase.OPEN:
            raise DependencyCutOff(self._dependency, f"is cut off until {self._state.until:%H:%M:%S} UTC {reason}")
        raise DependencyCutOff(self._dependency, f"is being probed {reason}")

    @asynccontextmanager
    async def watch(self, event_id: str = "") -> AsyncIterator[None]:
        """Do one use inside; how it ends is evidence.

        Args:
            event_id: the event that it is done for; empty for none.

        Raises:
            DependencyCutOff: none may begin now.
        """
        await self.check()
        self._state, admission = admit(self._state)
        try:
            yield
        except BaseException as error:
            sign = sign_of(error)
            if sign is Sign.FAILED and admission.circuit.is_open:
                self._failed_probe = event_id
            await self._conclude(admission, sign, described(error))
            raise
        await self._conclude(admission, Sign.ANSWERED)

    async def _conclude(self, admission: Admission, sign: Sign, detail: str = "") -> None:
        before = self._state.circuit
        self._state = conclude(self._state, admission, sign, self._limits, self._clock(), detail=detail)
        if self._state.circuit != before:
            opened = None
            async with self._sharing:
                with suppress(StoreUnavailable):
                    opened = await self._share()
            await self._wake(opened)

    async def _refresh(self) -> None:
        opened = None
        async with self._sharing:
            now = self._clock()
            if self._read_at is not None and abs(now - self._read_at) < KNOWN_FOR:
                return  # a clock that was set back is no reason to know nothing new for hours
            self._read_at = now
            with suppress(StoreUnavailable):
                self._meet(await self._circuits.read(self._dependency))
                opened = await self._share()
        await self._wake(opened)

    async def _share(self) -> Circuit | None:
        """Tell the others what they do not know yet, unless they have come to know something else meanwhile.

        Returns:
            The circuit, where this has opened it for all.
        """
        circuit = self._state.circuit
        if circuit == self._shared:
            return None
        try:
            self._version = await self._circuits.write(self._dependency, circuit, self._version)
            self._shared = circuit
        except WriteConflict:
            self._meet(await self._circuits.read(self._dependency))
            return None
        return circuit if circuit.is_open else None

    async def _wake(self, opened: Circuit | None) -> None:
        """Have the governor pause what waits for the dependency. It looks by itself every minute, too."""
        if opened is None:
            return
        with suppress(PublishFailed, TimeoutError):
            async with asyncio.timeout(_WAKING_SECONDS):
                await self._publisher.publish([woken(self._dependency, opened, self._clock())])

    def _meet(self, stored: StoredCircuit | None) -> None:
        """Go by what is stored, unless this instance has changed it since, and nobody else has."""
        version = stored.version if stored else None
        if version == self._version:
            return
        circuit, age = (stored.circuit, stored.age) if stored else (Circuit(), timedelta())
        self._state = learn(self._state, circuit, age, self._clock())
        self._shared, self._version = circuit, version

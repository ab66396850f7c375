"""Where the breakers of an application's dependencies stand."""

from tidegate.breakers import Phase, State, learn
from tidegate.clock import system_clock
from tidegate.errors import StoreUnavailable
from tidegate.ports import Circuits
from tidegate.topology import Topology


async def phases(topology: Topology, circuits: Circuits) -> dict[str, Phase]:
    """Where the breaker of each dependency stands; without those of which nothing can be read now."""
    found: dict[str, Phase] = {}
    for name, dependency in topology.dependencies.items():
        if dependency.breaker is None:
            continue
        try:
            stored = await circuits.read(name)
        except StoreUnavailable:
            continue
        now = system_clock()
        state = learn(State(), stored.circuit, stored.age, now) if stored else State()
        found[name] = state.phase(now)
    return found

"""Runs of the trip desk: people submit, cancel, repeat and redrive while the world falls apart."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.faults import Chaos
from tests.simulation.invariants import losses
from tests.simulation.job_invariants import at_rest
from tests.simulation.job_walk import Walk
from tests.simulation.job_watch import JobStory, JobWatch
from tests.simulation.trip_scenario import PATIENT_DELIVERIES, Submission, TripScenario
from tests.simulation.trips import Desk, application, desk
from tests.simulation.world import LONGEST_SECONDS, World, run_in
from tidegate.errors import PublishFailed, StoreUnavailable
from tidegate.messages import Outgoing
from tidegate.records import Fault
from tidegate.reports import Report
from tidegate.verdicts import Verdict

_PATIENCE = 3
_PAUSE_SECONDS = 5.0


async def travel(scenario: TripScenario, chaos: Chaos, random: Random) -> tuple[list[str], float]:
    """Let a scenario happen and wait for its end, then redrive what is left."""
    desk.set(Desk())
    world = World(chaos, random, *application(scenario.max_deliveries))
    watch = JobWatch(world.documents, Walk(world.documents, world.topology))
    watch.stories = {each.job: JobStory(each.message) for each in scenario.submissions if each.tracked}
    world.documents.observe = watch.changed
    world.on_published = watch.published
    world.on_report = PromptOperator(world, scenario.redriven_promptly).reported
    await asyncio.gather(*_events(world, scenario))
    if not await world.rests():
        return ["the run never came to rest", *await _violations(world, watch, scenario)], LONGEST_SECONDS
    found = await _violations(world, watch, scenario)
    seconds = asyncio.get_running_loop().time()
    desk.get().mended |= scenario.mended_at_last
    if not found and await world.redrive():
        chaos.note(f"the remaining letters are redriven, {'mended' if desk.get().mended else 'as they are'}")
        found += [] if await world.rests() else ["the redrive never came to rest"]
        found += [*await _violations(world, watch, scenario), *_in_vain(world, scenario)]
    await world.broker.close()
    return found, seconds


@dataclass
class PromptOperator:
    """Sends the first letters back at once, while the deliveries that gave up are still at work on their jobs."""

    world: World
    left: int
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def reported(self, report: Report) -> None:
        """A delivery has ended."""
        if report.function == "dead_letters" and report.verdict is Verdict.DONE and self.left:
            self.left -= 1
            task = asyncio.get_running_loop().create_task(_redrive(self.world))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _violations(world: World, watch: JobWatch, scenario: TripScenario) -> list[str]:
    return [*world.watch.violations, *watch.violations, *await losses(world), *await at_rest(world, watch, scenario)]


def _in_vain(world: World, scenario: TripScenario) -> list[str]:
    """What is redriven after its job's end runs on its own: it may fail, but is not refused for ever."""
    if scenario.max_deliveries < PATIENT_DELIVERIES:
        return []
    return [
        f"{each.fields['function']} never took {each.fields['event_id'][:8]} back"
        for each in world.documents.list("dead_letters")
        if each.fields["fault"] == Fault.UNDELIVERABLE and each.fields["state"] == "open"
    ]


def _events(world: World, scenario: TripScenario) -> list[Coroutine[Any, Any, None]]:
    """What people do, each at its time."""
    events = [_at(moment, _submit(world, each)) for each in scenario.submissions for moment in each.at]
    events += [
        _at(each.cancelled_at, _cancel(world, each))
        for each in scenario.submissions
        if each.cancelled_at is not None and each.tracked
    ]
    events += [_at(moment, _redrive(world)) for moment in scenario.redriven_at]
    if scenario.mended_at is not None:
        events.append(_at(scenario.mended_at, _mend()))
    if scenario.copied_at is not None:
        events.append(_at(scenario.copied_at, _copy(world)))
    return events


async def _at(seconds: float, event: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await event


async def _submit(world: World, submission: Submission) -> None:
    """Accept the job and publish its event, as the gateway does; who gets no answer asks again a few times."""
    for _ in range(_PATIENCE):
        process, ports = world.process("gateway")

        async def accept_and_publish() -> int:
            try:
                async with asyncio.timeout(_PAUSE_SECONDS):
                    if submission.tracked:
                        await ports.jobs.accept(submission.new)  # noqa: B023 - awaited in this very round
                    await ports.publisher.publish([submission.message])  # noqa: B023
            except (StoreUnavailable, PublishFailed, TimeoutError):
                return 503
            return 202

        if await run_in(process, accept_and_publish) == 202:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _cancel(world: World, submission: Submission) -> None:
    process, ports = world.process("gateway")

    async def cancel() -> int:
        try:
            await ports.jobs.cancel(submission.job)
        except StoreUnavailable:
            return 503
        return 202

    await run_in(process, cancel)


async def _redrive(world: World) -> None:
    count = await world.redrive()
    world.chaos.note(f"{count} letters are redriven")


async def _mend() -> None:
    desk.get().mended = True


async def _copy(world: World) -> None:
    """Deliver everything once more, under new message ids."""
    copies = [
        Outgoing(topic, message.data, message.attributes)
        for topic, messages in world.published.items()
        for message in messages
    ]
    world.chaos.note(f"{len(copies)} messages are published once more")
    await world.broker.publish(copies)

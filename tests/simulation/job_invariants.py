"""What must hold of jobs when everything has come to rest."""

import json
from collections.abc import Iterator

from tests.simulation.job_watch import JobStory, JobWatch
from tests.simulation.trip_scenario import Submission, TripScenario
from tests.simulation.world import World
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.jobs import SETTLED, Job
from tidegate.records import Fault, Status


async def at_rest(world: World, watch: JobWatch, scenario: TripScenario) -> list[str]:
    """Every way in which the jobs broke their guarantees; empty if they did not."""
    jobs = FirestoreJobs(memory_firestore(world.documents))
    found = [*_unfollowed(world, watch), *_uncounted(world)]
    for submission in scenario.submissions:
        if submission.message.attributes["ce-id"] not in _published(world, submission.message.topic):
            continue  # nobody knows of it: without its event a job is nothing
        job = await jobs.read(submission.job) if submission.tracked else None
        if job is None:
            found += [f"job {submission.job} is gone"] if submission.tracked else []
            continue
        story = watch.stories[job.id]
        found += [f"job {submission.number}: {fault}" for fault in _faults(world, submission, job, story)]
        progress = await jobs.progress(job.id)
        if job.state.settled and progress.known != progress.settled:
            found.append(
                f"job {submission.number}: {progress.settled} of {progress.known} units are said to have settled"
            )
    return found


def _faults(world: World, submission: Submission, job: Job, story: JobStory) -> Iterator[str]:
    if not job.state.settled:
        if not _forsaken(world):
            yield f"is still {job.state}"
        return
    told = [message for message in world.published.get(SETTLED, ()) if json.loads(message.data)["job_id"] == job.id]
    times = len({message.attributes["ce-id"] for message in told})
    if times != submission.callback and not (times == 0 and _forsaken(world)):
        yield f"its end was announced {times} times"
    if any(json.loads(message.data)["state"] != job.state for message in told):
        yield "its end was announced as another one"
    if job.result != story.result:
        yield f"its result is {job.result}, expected {story.result}"


def _unfollowed(world: World, watch: JobWatch) -> Iterator[str]:
    """What follows a gathering was published if it closed, under one id."""
    for (job, node), then in watch.walk.thens.items():
        out = then.attributes["ce-id"] in _published(world, then.topic)
        if (job, node) not in watch.closed and not _forsaken(world):
            yield f"the gathering {node} of job {job} never closed"
        elif not out and not _forsaken(world):
            yield f"the gathering {node} of job {job} closed, and what follows was not published"


def _uncounted(world: World) -> Iterator[str]:
    """The handlers' own increments stand once for each leg that was counted."""
    done = sum(
        history[-1].status is Status.DONE
        for key, history in world.watch.history.items()
        if key.startswith("count_leg.")
    )
    counted = sum(document.fields["legs"] for document in world.documents.list("trips"))
    if done != counted:
        yield f"{counted} legs were counted by {done} records"


def _forsaken(world: World) -> bool:
    """Whether the broker gave up on what would have gone on with a job, and nobody has sent it back yet."""
    return any(
        (each.fields["function"], each.fields["fault"], each.fields["state"])
        == ("advance_jobs", Fault.UNDELIVERABLE, "open")
        for each in world.documents.list("dead_letters")
    )


def _published(world: World, topic: str) -> set[str]:
    return {message.attributes.get("ce-id", message.id) for message in world.published.get(topic, ())}

"""Train: the members of an ensemble on the workers, one task each, with their losses as they come."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from distributed import get_worker

from stdask import schema
from stdask.config import Run, TrainConfig
from stdask.network import quiet_start
from stdask.network.plan import Plan, fold
from stdask.network.recipe import PRESETS, Architecture, Epoch, Sample, Schedule
from stdask.pipeline.cluster import Workers
from stdask.pipeline.console import Bar, progress_bar
from stdask.science.splits import split_for_member

TOPIC = "stdask-epoch"


@dataclass(frozen=True)
class Job:
    """One member to train."""

    member: int
    architecture: Architecture
    schedule: Schedule
    training: Sample
    validation: Sample
    seed: int


def jobs_of(name: str, samples: list[Sample], run: Run) -> list[Job]:
    """Return one job a member, each with its own split of its stars."""
    train = run.config.train
    n_inputs, n_labels = (values.shape[1] for values in (samples[0].inputs, samples[0].corrections))
    architecture = Architecture(n_inputs, n_labels, **shape_of(train))
    schedule = Schedule(train.learning_rates, train.max_epochs, train.patience, train.batch_size)
    jobs = []
    for member, sample in enumerate(samples):
        parts = split_for_member(len(sample.inputs), train.validation_fraction, run.config.seed, member)
        training, validation = (Sample(sample.inputs[part], sample.corrections[part]) for part in parts)
        seed = 1000 * schema.FAMILIES.index(name) + run.config.seed * 10_000 + member
        jobs.append(Job(member, architecture, schedule, training, validation, seed))
    return jobs


def shape_of(train: TrainConfig) -> dict:
    """Return the shape of the network: the preset's, where `[train]` does not say otherwise."""
    own = train.model_dump(include={"first_width", "depth", "dropout", "dropout_widths"}, exclude_none=True)
    return PRESETS[train.preset] | own


def train_members(workers: Workers, title: str, jobs: Sequence[Job]) -> list[tuple[Plan, list[Epoch]]]:
    """Train jobs on the workers, with a bar that shows the epochs and losses as they come.

    Returns
    -------
    members
        The plan and the learning curve of each, in the order of the jobs.
    """
    futures = [workers.client.submit(train_job, job, pure=False) for job in jobs]
    done = []
    try:
        with progress_bar(title, len(jobs)) as bar, _live_losses(workers, bar):
            for future in futures:
                done.append(future.result())
                bar.advance(1)
    finally:
        workers.client.cancel(futures)
    return done


def train_job(job: Job) -> tuple[Plan, list[Epoch]]:
    """Train one member on a worker; return its plan and its learning curve."""
    with quiet_start():  # here, so that only the workers that train load TensorFlow
        from stdask.network.training import start_tensorflow, train_member

        start_tensorflow()

    worker = get_worker()

    def tell(epoch: Epoch) -> None:
        if epoch.epoch % 10 == 0:
            message: dict[str, Any] = {"member": job.member, "epoch": epoch.epoch, "loss": epoch.val_loss}
            worker.log_event(TOPIC, message | {"rate": epoch.learning_rate})

    model, history = train_member(job.architecture, job.schedule, job.training, job.validation, job.seed, tell)
    return fold(model, job.architecture.depth), history


@contextmanager
def _live_losses(workers: Workers, bar: Bar) -> Iterator[None]:
    def show(event: tuple[float, dict[str, Any]]) -> None:
        _, e = event
        bar.note(f"member {e['member']}, epoch {e['epoch']}, rate {e['rate']:g}, validation loss {e['loss']:.4f}")

    workers.client.subscribe_topic(TOPIC, show)
    try:
        yield
    finally:
        workers.client.unsubscribe_topic(TOPIC)

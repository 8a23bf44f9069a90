"""Train: the members of an ensemble on the workers, one task each, with their losses as they come.

The members that are done wait on disk for the others: training is what takes longest, and a run may be cut off.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from stdask import __version__, schema
from stdask.cluster.events import Message, listening, tell
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import Bar
from stdask.errors import EnsembleError
from stdask.network import quiet_start
from stdask.network.plan import Plan, fold
from stdask.network.presets import shape_of
from stdask.network.recipe import Architecture, Epoch, Sample, Schedule
from stdask.runs.ledger import Ledger, remove_ledgers
from stdask.runs.stage import Stage
from stdask.science.keys.splits import split_for_member
from stdask.storage import paths
from stdask.storage.ensembles import read_arrays, write_arrays
from stdask.storage.files import hash_of

TOPIC = "stdask-epoch"
CURVE = "learning curve"  # among the arrays of a member on the shelf

Member = tuple[Plan, list[Epoch]]  # a trained network and its learning curve


@dataclass(frozen=True)
class Job:
    """One member to train."""

    member: int
    architecture: Architecture
    schedule: Schedule
    training: Sample
    validation: Sample
    seed: int

    def __str__(self) -> str:
        """Return which member it is."""
        return f"member {self.member}"

    @property
    def parts(self) -> dict[str, str]:
        """Hashes of all that the trained network depends on."""
        recipe = [asdict(self.architecture), asdict(self.schedule), self.seed]
        return {"stars": _digest(self.training, self.validation), "recipe": hash_of(recipe), "version": __version__}


class Shelf:
    """Where the members of one kind that are done wait on disk for the others.

    Parameters
    ----------
    stage
        That trains them.
    kind
        Of networks; a stage may train several.
    """

    def __init__(self, stage: Stage, kind: str) -> None:
        self._ledger = Ledger(stage, dict, kind)
        self._folder = paths.scratch(paths.ensemble(stage.output)) / kind

    def kept(self, jobs: Sequence[Job]) -> dict[int, Member]:
        """Return the members that are there and whole, by the number of their job."""
        records = self._ledger.kept({str(job): job.parts for job in jobs})
        members = {}
        for number, job in enumerate(jobs):
            with contextlib.suppress(KeyError, EnsembleError):  # not done yet, or damaged since: it is trained anew
                arrays = read_arrays(self._folder, records[str(job)])
                members[number] = _from_arrays(job, arrays)
        return members

    def add(self, job: Job, member: Member) -> None:
        """Put a trained member on the shelf."""
        plan, epochs = member
        path = self._folder / f"{job.member}.safetensors"
        curve = np.array([(e.epoch, e.learning_rate, e.loss, e.val_loss) for e in epochs])
        self._ledger.add(str(job), job.parts, write_arrays(path, {**plan.arrays, CURVE: curve}), [path])


def clear_shelves(stage: Stage) -> None:
    """Remove all members on shelves, when the ensemble holds them."""
    shutil.rmtree(paths.scratch(paths.ensemble(stage.output)), ignore_errors=True)
    remove_ledgers(stage.output, stage.name)


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


def train_members(workers: Workers, title: str, jobs: Sequence[Job], shelf: Shelf | None = None) -> list[Member]:
    """Train jobs on the workers, with a bar that shows the epochs and losses as they come.

    Parameters
    ----------
    workers, title, jobs
        Where, the text of the bar, and what.
    shelf
        From which members done before are taken, and on which each is put once it is done; each job is then
        another member.

    Returns
    -------
    members
        In the order of the jobs.
    """
    members = shelf.kept(jobs) if shelf else {}
    numbers = {id(job): number for number, job in enumerate(jobs)}
    todo = [job for number, job in enumerate(jobs) if number not in members]
    for job, member in each(workers, train_job, todo, description=title, beside=partial(_live_losses, workers)):
        if shelf:
            shelf.add(job, member)
        members[numbers[id(job)]] = member
    return [members[number] for number in range(len(jobs))]


def train_job(job: Job) -> Member:
    """Train one member on a worker; return its plan and its learning curve."""
    with quiet_start():  # here, so that only the workers that train load TensorFlow
        from stdask.network.training import start_tensorflow, train_member

        start_tensorflow()

    def report(epoch: Epoch) -> None:
        if epoch.epoch % 10 == 0:
            message = {"member": job.member, "epoch": epoch.epoch, "loss": epoch.val_loss}
            tell(TOPIC, message | {"rate": epoch.learning_rate})

    model, history = train_member(job.architecture, job.schedule, job.training, job.validation, job.seed, report)
    return fold(model, job.architecture.depth), history


@contextmanager
def _live_losses(workers: Workers, bar: Bar) -> Iterator[None]:
    def show(e: Message) -> None:
        bar.note(f"member {e['member']}, epoch {e['epoch']}, rate {e['rate']:g}, validation loss {e['loss']:.4f}")

    with listening(workers.client, TOPIC, show):
        yield


def _from_arrays(job: Job, arrays: dict[str, np.ndarray]) -> Member:
    curve = arrays.pop(CURVE)
    return Plan(job.architecture.depth, arrays), [Epoch(int(epoch), *losses) for epoch, *losses in curve.tolist()]


def _digest(*samples: Sample) -> str:
    digest = hashlib.sha256()
    for sample in samples:
        for values in (sample.inputs, sample.corrections):
            digest.update(f"{values.dtype} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()

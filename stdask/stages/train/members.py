"""Train: the members of an ensemble on the workers, one task each, with their losses while they are trained.

Trained members are kept on disk, as training takes longest: a run that is interrupted, or repeated after a change of
settings on which they do not depend, does not train them a second time.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from stdask.cluster.events import Message, listening, tell
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.training import TrainConfig
from stdask.display.console import Bar
from stdask.errors import EnsembleError
from stdask.network import quiet_start
from stdask.network.plan import Plan, fold
from stdask.network.presets import shape_of
from stdask.network.recipe import Architecture, Epoch, Sample, Schedule
from stdask.runs.ledger import Ledger
from stdask.runs.results import part_of
from stdask.runs.stage import Stage
from stdask.science.keys.seeds import integer_seed
from stdask.science.keys.splits import split_for_member
from stdask.storage import paths
from stdask.storage.ensembles import read_arrays, write_arrays
from stdask.storage.files import hash_of

TOPIC = "stdask-epoch"
CURVE = "learning curve"  # name of an array in the file of a kept member

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
        """Hashes of everything that the trained network depends on."""
        recipe = [asdict(self.architecture), asdict(self.schedule), self.seed]
        return {"stars": _digest(self.training, self.validation), "recipe": hash_of(recipe), **part_of("train")}


class Shelf:
    """Where the members of one kind are kept on disk; `--redo` of their stage forgets them.

    Parameters
    ----------
    stage
        The stage that trains them.
    kind
        Name of this kind of networks; a stage may train several.
    """

    def __init__(self, stage: Stage, kind: str) -> None:
        self._ledger = Ledger(stage, dict, kind)
        self._folder = paths.members(stage.output, stage.name) / kind

    def kept(self, jobs: Sequence[Job]) -> dict[int, Member]:
        """Return the members that need no training, by the number of their job; remove the files of all others."""
        records = self._ledger.kept({str(number): job.parts for number, job in enumerate(jobs)})
        known = {record["file"] for record in records.values()}
        for path in self._folder.glob("*"):
            if path.name not in known:
                path.unlink()
        members = {}
        for number, job in enumerate(jobs):
            with contextlib.suppress(KeyError, EnsembleError):  # not trained yet, or damaged since
                members[number] = _from_arrays(job, read_arrays(self._folder, records[str(number)]))
        return members

    def add(self, number: int, job: Job, member: Member) -> None:
        """Keep the trained member of the job of a number."""
        plan, epochs = member
        path = self._folder / f"{number}.safetensors"
        curve = np.array([(e.epoch, e.learning_rate, e.loss, e.val_loss) for e in epochs])
        self._ledger.add(str(number), job.parts, write_arrays(path, {**plan.arrays, CURVE: curve}), [path])


@dataclass(frozen=True)
class Shelves:
    """The shelves of a stage.

    `prefix` tells apart networks of the same kind that the stage trains for several purposes.
    """

    stage: Stage
    prefix: str = ""

    def of(self, kind: str) -> Shelf:
        """Return the shelf of one kind of networks."""
        return Shelf(self.stage, re.sub(r"\W+", "_", self.prefix + kind))


def jobs_of(name: str, samples: list[Sample], train: TrainConfig, seed: int) -> list[Job]:
    """Return one job a member, each with its own split of its stars."""
    n_inputs, n_labels = (values.shape[1] for values in (samples[0].inputs, samples[0].corrections))
    architecture = Architecture(n_inputs, n_labels, **shape_of(train))
    schedule = Schedule(train.learning_rates, train.max_epochs, train.patience, train.batch_size)
    jobs = []
    for member, sample in enumerate(samples):
        parts = split_for_member(len(sample.inputs), train.validation_fraction, seed, member)
        training, validation = (Sample(*(values[part] for values in vars(sample).values())) for part in parts)
        own_seed = integer_seed(seed, f"{name} network", member)
        jobs.append(Job(member, architecture, schedule, training, validation, own_seed))
    return jobs


def sample_of(inputs: np.ndarray, corrections: np.ndarray, weights: np.ndarray | float = 1.0) -> Sample:
    """Return stars to train on, of which a missing label counts for nothing.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs), float32
        Scaled.
    corrections : shape (n_stars, n_labels), float32
        In scaled units, NaN where B lacks the label.
    weights : shape (n_stars, n_labels)
        How much each star counts for each label; 1 for all: the same.
    """
    known = np.isfinite(corrections)
    return Sample(inputs, np.where(known, corrections, 0), np.where(known, weights, 0).astype(np.float32))


def train_members(workers: Workers, title: str, jobs: Sequence[Job], shelf: Shelf) -> list[Member]:
    """Train jobs on the workers, with a bar that shows epochs and losses.

    Parameters
    ----------
    workers, title, jobs
        The workers, the text of the bar, and the members to train.
    shelf
        Where trained members are kept.

    Returns
    -------
    members
        In the order of the jobs.
    """
    members = shelf.kept(jobs)
    numbers = {id(job): number for number, job in enumerate(jobs)}
    todo = [job for number, job in enumerate(jobs) if number not in members]
    for job, member in each(workers, train_job, todo, description=title, meanwhile=partial(_live_losses, workers)):
        shelf.add(numbers[id(job)], job, member)
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
        for values in vars(sample).values():
            digest.update(f"{values.dtype} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()

"""Train: a Gaussian process for each network and label, and its share in the output of the member."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.training import TrainConfig
from stdask.network.blend import join_processes
from stdask.network.ensemble import Family, predict_members
from stdask.network.recipe import Sample
from stdask.pairing.training_set import TrainingSet
from stdask.science.assessment.metrics import compare_mae
from stdask.science.translation.combining import mean_of_unseen
from stdask.science.translation.gaussian_process import SMOOTHNESSES, GaussianProcess, fit_gaussian_process
from stdask.stages.train.errors import held_out_stars
from stdask.stages.train.members import Job

MOST_STARS = 2000  # training stars of a member: more take minutes a label, and leave nothing to gain over networks
MEAN = 0.5  # share of the process in the mean of both
ALONE = (0.0, 1.0)  # shares where the networks, or the processes, are used alone
N_BOOTSTRAPS = 1000  # so that the error of a difference is known to 2 %


@dataclass(frozen=True)
class ProcessJob:
    """The processes of one member, on the training stars of its network."""

    member: int
    inputs: np.ndarray  # (n_stars, n_inputs), standardised
    corrections: np.ndarray  # (n_stars, n_labels), in scaled units, NaN where B lacks the label
    seed: int

    def __str__(self) -> str:
        """Return which member it is."""
        return f"member {self.member}"


def process_jobs(jobs: Sequence[Job], train: TrainConfig) -> list[ProcessJob]:
    """Return one job a network; none if Gaussian processes are not asked for, or the training stars are too many.

    Parameters
    ----------
    jobs
        Of the networks, which have the training stars.
    train
        `[train]`.
    """
    if train.gaussian_process == "none" or max(len(job.training.inputs) for job in jobs) > MOST_STARS:
        return []
    return [ProcessJob(job.member, job.training.inputs, _known_corrections(job.training), job.seed) for job in jobs]


def _known_corrections(sample: Sample) -> np.ndarray:
    return np.where(sample.weights > 0, sample.corrections, np.nan)


def fit_processes(workers: Workers, title: str, jobs: Sequence[ProcessJob]) -> list[list[GaussianProcess]]:
    """Fit jobs on the workers; return the processes of each, one a label, in the order of the jobs.

    The smoothness of a label is that of the largest evidence of the training stars, added over the members of an
    ensemble: those of one member alone often leave it to chance.

    Parameters
    ----------
    workers, title, jobs
        The workers, the text of the bar, and the jobs: those of an ensemble follow one another from member 0 on.
    """
    numbers = {id(job): number for number, job in enumerate(jobs)}
    fitted = {numbers[id(job)]: own for job, own in each(workers, fit_job, jobs, description=title)}
    starts = [number for number, job in enumerate(jobs) if job.member == 0]
    ensembles = [[fitted[n] for n in range(start, end)] for start, end in pairwise([*starts, len(jobs)])]
    return [own for members in ensembles for own in choose_smoothness(members)]


def fit_job(job: ProcessJob) -> list[list[GaussianProcess]]:
    """Fit the processes of one member on a worker: for each label, one of each smoothness."""
    return [
        [fit_gaussian_process(job.inputs, corrections, job.seed, smoothness) for smoothness in SMOOTHNESSES]
        for corrections in job.corrections.T
    ]


def choose_smoothness(fitted: Sequence[Sequence[Sequence[GaussianProcess]]]) -> list[list[GaussianProcess]]:
    """Return the processes of each member; those of a label have the smoothness of the largest evidence.

    Parameters
    ----------
    fitted
        Of each member, label and smoothness.
    """
    evidence = np.array([[[process.evidence for process in label] for label in member] for member in fitted])
    best = evidence.sum(axis=0).argmax(axis=1)
    return [[label[kind] for label, kind in zip(member, best, strict=True)] for member in fitted]


def blend_family(
    family: Family,
    jobs: Sequence[ProcessJob],
    processes: Sequence[Sequence[GaussianProcess]],
    known: TrainingSet,
    train: TrainConfig,
    seed: int,
) -> Family:
    """Return the family with its processes, unless the networks alone are closer to B in every label.

    Of two methods that are about equally good and err differently, the mean is better than either. So each label has
    the mean, unless the networks or the processes alone are closer to B by more than the error of the difference, on
    stars that the members held out. The networks seem a little better there than they are, since their training stops
    where they are closest to these very stars. Test stars are not used.

    Parameters
    ----------
    family
        The networks.
    jobs, processes
        One of each for each network of the family; none leave it as it is.
    known
        The stars that are not test stars.
    train, seed
        `[train]`, and the seed of the run.
    """
    if not jobs:
        return family
    held_out = held_out_stars(len(known), train, seed)
    unseen = np.any(held_out, axis=0)
    blend = join_processes([job.inputs for job in jobs], processes, np.zeros(len(family.labels)))
    inputs, residuals = known.inputs[unseen], {}
    for share in (MEAN, *ALONE):
        mixed = replace(family, blend=replace(blend, shares=np.full(len(family.labels), share)))
        predicted = mean_of_unseen(predict_members(mixed, inputs), held_out[:, unseen])
        residuals[share] = predicted - known.labels[unseen]
    labels = range(len(family.labels))
    shares = np.array([_share({share: own[:, n] for share, own in residuals.items()}, seed) for n in labels])
    return replace(family, blend=replace(blend, shares=shares)) if shares.any() else family


def _share(residuals: Mapping[float, np.ndarray], seed: int) -> float:
    """Return the share of the processes in one label, from the residuals of held-out stars with each share."""
    best, smallest = MEAN, 0.0
    for share in ALONE:
        gain = compare_mae(residuals[MEAN], residuals[share], N_BOOTSTRAPS, seed)
        if gain.difference > max(gain.difference_err, smallest):
            best, smallest = share, gain.difference
    return best

"""Train: the ensembles, once, on the stars both surveys share. Each member is one task."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.table import Table
from distributed import get_worker

from stdask import schema
from stdask.config import Run, TrainConfig
from stdask.errors import PairingError
from stdask.network import quiet_start
from stdask.network.ensemble import Family, predict_members, to_parts, translate
from stdask.network.plan import Plan, fold, join_members
from stdask.network.recipe import PRESETS, Architecture, Epoch, Sample, Schedule
from stdask.pipeline.cluster import Workers
from stdask.pipeline.console import Bar, progress_bar, say
from stdask.pipeline.settings import draws_of
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.training_set import TrainingSet, training_set
from stdask.science.calibration import fit_calibration, held_out_predictions
from stdask.science.scaling import NO_COUNTERPART, Scaling, fit_scaling
from stdask.science.splits import split_for_member
from stdask.science.validity import fit_domain
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.ensembles import write_ensemble
from stdask.storage.receipts import Receipt
from stdask.storage.tables import read_parquet

TOPIC = "stdask-epoch"
GROUPED_BY = (("LOGG",), ("M_H", "FE_H"))  # errors are calibrated by these inputs, where A has them


@dataclass(frozen=True)
class Job:
    """One member to train."""

    family: str
    member: int
    architecture: Architecture
    schedule: Schedule
    training: Sample
    validation: Sample
    seed: int


def run(run: Run, workers: Workers) -> Receipt:
    """Train the intrinsic and, where there are enough pairs, the extrinsic ensemble.

    Raises
    ------
    PairingError
        If too few pairs are usable for the intrinsic networks.
    """
    config = run.config
    stage = Stage(
        run,
        "train",
        inputs={"pair": digest_of(run, "pair")},
    )
    if receipt := stage.done():
        return receipt
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    families, notes, history, counts = {}, [], [], {}
    for name in schema.FAMILIES:
        if not config.train.labels(name):
            continue
        stars = training_set(pairs, name, config.train, config.seed)
        if note := _too_few(name, len(stars), config.train):
            notes.append(note)
            say(f"  {note}", "yellow")
            continue
        family, epochs = train_family(name, stars, run, workers)
        families[name] = to_parts(family)
        history += epochs
        counts[name] = {"pairs": len(stars), "test": int(stars.is_test.sum())}
    folder = paths.ensemble(run.output)
    written = write_ensemble(folder, families, {"key": stage.key, "config": stage.config, "inputs": stage.inputs})
    names = ("family", "member", "epoch", "learning_rate", "loss", "val_loss")
    write_ecsv(paths.history(run.output), Table(rows=history, names=names))
    receipt = stage.finish([*written, paths.history(run.output)], {"families": counts, "notes": notes})
    workers.refresh()  # TensorFlow takes 0.8 GB of each worker, and no later stage needs it
    return receipt


def train_family(name: str, stars: TrainingSet, run: Run, workers: Workers) -> tuple[Family, list[tuple]]:
    """Train all members of a family on the workers; return it, and its learning curves."""
    train = run.config.train
    inputs, items = train.inputs(name), train.labels(name)
    own = [inputs.index(item.source) if item.source else NO_COUNTERPART for item in items]
    known = ~stars.is_test
    scaling = fit_scaling(stars.inputs[known], stars.labels[known], own, train.target)
    jobs = _jobs(name, stars, scaling, run)
    plans: dict[int, Plan] = {}
    history = []
    for job, (plan, epochs) in _train_all(workers, name, jobs):
        plans[job.member] = plan
        history += [(name, job.member, e.epoch, e.learning_rate, e.loss, e.val_loss) for e in epochs]
    labels = tuple(item.label for item in items)
    domain = run.config.domain
    family = Family(
        name=name,
        inputs=inputs,
        labels=labels,
        counterparts=tuple(item.source for item in items),
        scaling=scaling,
        plan=join_members([plans[member] for member in sorted(plans)]),
        input_domain=fit_domain(stars.inputs[known], inputs, domain.n_bins, domain.min_stars),
        label_domain=fit_domain(stars.labels[known], labels, domain.n_bins, domain.min_stars),
    )
    return calibrate(family, stars, run), sorted(history)


def calibrate(family: Family, stars: TrainingSet, run: Run) -> Family:
    """Return the family with errors learnt from the stars that its members had held out for validation."""
    known = stars.subset(~stars.is_test)
    held_out = np.zeros((family.plan.n_members, len(known)), dtype=bool)
    for member in range(family.plan.n_members):
        fraction = run.config.train.validation_fraction
        held_out[member, split_for_member(len(known), fraction, run.config.seed, member)[1]] = True
    predictions, predicted = held_out_predictions(predict_members(family, known.inputs), held_out)
    used = known.subset(predicted)
    translation = translate(family, used.inputs, used.errors, used.star_keys, draws_of(run))
    columns = [next((family.inputs.index(n) for n in names if n in family.inputs), -1) for names in GROUPED_BY]
    calibration = fit_calibration(
        predictions[predicted] - used.labels,
        used.inputs,
        family.scaling.scale_inputs(used.inputs),
        translation.input_noise,
        translation.member_spread,
        columns,
    )
    return replace(family, calibration=calibration)


def _too_few(family: str, n_stars: int, train: TrainConfig) -> str:
    """Return what to tell the user if a family cannot be trained; empty if it can.

    Raises
    ------
    PairingError
        For the intrinsic family, without which there is no translation.
    """
    if n_stars >= train.min_pairs:
        return ""
    why = f"{n_stars} usable pairs for the {family} networks, {train.min_pairs} are needed ([train] min_pairs)"
    if family == "intrinsic":
        raise PairingError(f"Too few stars in common: {why}. See the cuts in the pair stage's receipt.")
    labels = ", ".join(item.label for item in train.extrinsic)
    return f"Only {why}: {labels} is left untranslated."


def _jobs(name: str, stars: TrainingSet, scaling: Scaling, run: Run) -> list[Job]:
    train = run.config.train
    known = np.flatnonzero(~stars.is_test)
    architecture = Architecture(stars.inputs.shape[1], stars.labels.shape[1], **PRESETS[train.preset])
    schedule = Schedule(train.learning_rates, train.max_epochs, train.patience, train.batch_size)
    scaled = scaling.scale_inputs(stars.inputs)
    corrections = scaling.to_corrections(stars.inputs, stars.labels)
    jobs = []
    for member in range(train.n_members):
        parts = split_for_member(known.size, train.validation_fraction, run.config.seed, member)
        training, validation = (Sample(scaled[known[part]], corrections[known[part]]) for part in parts)
        seed = 1000 * schema.FAMILIES.index(name) + run.config.seed * 10_000 + member
        jobs.append(Job(name, member, architecture, schedule, training, validation, seed))
    return jobs


def _train_all(workers: Workers, name: str, jobs: list[Job]) -> Iterator[tuple[Job, tuple[Plan, list[Epoch]]]]:
    """Train jobs on the workers, with a bar that shows the epochs and losses as they come."""
    futures = [workers.client.submit(train_job, job, pure=False) for job in jobs]
    try:
        with progress_bar(f"train {name}", len(jobs)) as bar, _live_losses(workers, bar):
            for job, future in zip(jobs, futures, strict=True):
                yield job, future.result()
                bar.advance(1)
    finally:
        workers.client.cancel(futures)


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

"""Train: one family, from its training stars to networks, domains, stand-ins and errors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.training import TrainConfig
from stdask.network.ensemble import Family
from stdask.network.plan import Plan, join_members
from stdask.network.recipe import Sample
from stdask.pairing.training_set import TrainingSet
from stdask.runs.stage import Stage
from stdask.science.translation.dissimilarity import Neighbourhood, fit_neighbourhood
from stdask.science.translation.gaussian_mixture import fit_mixture
from stdask.science.translation.masking import Patterns, mask_inputs
from stdask.science.translation.scaling import NO_COUNTERPART, Scaling, fit_scaling
from stdask.science.translation.validity import fit_domain
from stdask.stages.train.errors import calibrate
from stdask.stages.train.fallback import choose_fallback
from stdask.stages.train.latent import train_latent
from stdask.stages.train.members import Job, Shelf, jobs_of, train_members


class Trained(NamedTuple):
    """A family, how it came about, and what the user should know."""

    family: Family
    history: list[tuple]  # (family, member, epoch, learning rate, loss, validation loss)
    notes: list[str]


def train_family(
    name: str, stars: TrainingSet, patterns: Patterns, run: Run, workers: Workers, stage: Stage | None = None
) -> Trained:
    """Train all members of a family on the workers, and learn its errors.

    Parameters
    ----------
    name
        "intrinsic" or "extrinsic".
    stars
        Usable pairs; test stars among them are not looked at.
    patterns
        Of the missing inputs of catalogue A.
    run, workers
        The run and its workers.
    stage
        That keeps its members on disk until it is done; members are not kept if None.
    """
    train = run.config.train
    known = stars.subset(~stars.is_test)
    scaling = fit_scaling(known.inputs, known.labels, own_inputs(name, train), train.target)
    jobs = member_jobs(name, known, scaling, patterns, run)
    members = train_members(workers, f"train {name}", jobs, Shelf(stage, name) if stage else None)
    family = uncalibrated(name, known, scaling, [plan for plan, _ in members], run)
    notes: list[str] = []
    if train.debias:
        family = train_latent(family, known, run, workers, stage)
        bare = [label for label, own in zip(family.labels, known.label_errors.T, strict=True) if np.isnan(own).all()]
        notes += [f"{label}: B states no errors, so its debiased values may fall short of slope 1" for label in bare]
    if train.fallback == "best":
        fallback, replaced = choose_fallback(family, known, run)
        family, notes = replace(family, fallback=fallback), [*notes, *replaced]
    history = [
        (name, member, e.epoch, e.learning_rate, e.loss, e.val_loss)
        for member, (_, epochs) in enumerate(members)
        for e in epochs
    ]
    return Trained(calibrate(family, known, patterns, run), history, notes)


def own_inputs(name: str, train: TrainConfig) -> list[int]:
    """Return for each label of a family the column of its counterpart among the inputs, or `NO_COUNTERPART`."""
    inputs = train.inputs(name)
    return [inputs.index(item.source) if item.source else NO_COUNTERPART for item in train.labels(name)]


def member_jobs(name: str, known: TrainingSet, scaling: Scaling, patterns: Patterns, run: Run) -> list[Job]:
    """Return one job a member, on stars as measured, each with its own split of them."""
    return jobs_of(name, _measured_samples(known, patterns, scaling, run), run)


def uncalibrated(name: str, known: TrainingSet, scaling: Scaling, plans: Sequence[Plan], run: Run) -> Family:
    """Return the family of trained members, with its domains, before its errors are learnt."""
    train, domain = run.config.train, run.config.domain
    inputs, items = train.inputs(name), train.labels(name)
    labels = tuple(item.label for item in items)
    return Family(
        name=name,
        inputs=inputs,
        labels=labels,
        counterparts=tuple(item.source for item in items),
        scaling=scaling,
        plan=join_members(plans),
        input_domain=fit_domain(known.inputs, inputs, domain.n_bins, domain.min_stars),
        label_domain=fit_domain(known.labels, labels, domain.n_bins, domain.min_stars),
        neighbourhood=_neighbourhood(known, inputs, run),
        density=fit_mixture(known.inputs, run.config.seed) if train.missing == "draw" else None,
    )


def _measured_samples(known: TrainingSet, patterns: Patterns, scaling: Scaling, run: Run) -> list[Sample]:
    """Return what each member learns from: the stars as measured.

    Where the catalogue's missing inputs become the training mean, some become it here too, at the catalogue's rate
    and anew for each member. Where they are drawn, the networks see complete stars alone: a drawn input tells
    nothing of its star, and taught with it they would trust that input too little in all others.
    """
    samples = []
    for member in range(run.config.train.n_members):
        inputs = known.inputs
        if run.config.train.missing == "mean":
            inputs = mask_inputs(inputs, patterns, known.star_keys, run.config.seed, f"masked for member {member}")
        samples.append(Sample(scaling.scale_inputs(inputs), scaling.to_corrections(inputs, known.labels)))
    return samples


def _neighbourhood(known: TrainingSet, inputs: tuple[str, ...], run: Run) -> Neighbourhood:
    """Return the training stars in all inputs and, where A has it for all of them, the reddening."""
    if np.isnan(known.reddening).any():
        return fit_neighbourhood(known.inputs, inputs, run.config.seed)
    columns = np.concatenate([known.inputs, known.reddening[:, None]], axis=1)
    return fit_neighbourhood(columns, (*inputs, schema.EBV.name), run.config.seed)

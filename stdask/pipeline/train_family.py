"""Train: one family, from its training stars to networks, domains, stand-ins and errors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.config import Run, TrainConfig
from stdask.network.ensemble import Family
from stdask.network.plan import Plan, join_members
from stdask.network.recipe import PRESETS, Architecture, Sample, Schedule
from stdask.pipeline.cluster import Workers
from stdask.pipeline.train_errors import calibrate
from stdask.pipeline.train_fallback import choose_fallback
from stdask.pipeline.train_members import Job, train_members
from stdask.pipeline.training_set import TrainingSet
from stdask.science.deconvolution import deconvolve, draw_latent
from stdask.science.dissimilarity import Neighbourhood, fit_neighbourhood
from stdask.science.gaussian_mixture import fit_mixture
from stdask.science.masking import Patterns, mask_inputs
from stdask.science.resampling import measured_behind
from stdask.science.scaling import NO_COUNTERPART, Scaling, fit_scaling
from stdask.science.splits import split_for_member
from stdask.science.validity import fit_domain

N_COMPONENTS = 10  # of the noise-free stars: from 5 to 16 the slopes on the mock differ by less than 1 %


class Trained(NamedTuple):
    """A family, how it came about, and what the user should know."""

    family: Family
    history: list[tuple]  # (family, member, epoch, learning rate, loss, validation loss)
    notes: list[str]


def train_family(name: str, stars: TrainingSet, patterns: Patterns, run: Run, workers: Workers) -> Trained:
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
    """
    train = run.config.train
    known = stars.subset(~stars.is_test)
    scaling = fit_scaling(known.inputs, known.labels, own_inputs(name, train), train.target)
    members = train_members(workers, f"train {name}", member_jobs(name, known, scaling, patterns, run))
    family = uncalibrated(name, known, scaling, [plan for plan, _ in members], run)
    if train.debias:
        family = replace(family, latent_plan=_train_latent(name, known, scaling, run, workers))
    notes: list[str] = []
    if train.fallback == "best":
        fallback, notes = choose_fallback(family, known, run)
        family = replace(family, fallback=fallback)
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
    return _jobs(name, _measured_samples(known, patterns, scaling, run), run)


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


def _train_latent(name: str, known: TrainingSet, scaling: Scaling, run: Run, workers: Workers) -> Plan:
    """Train networks on inputs without noise, each member on a draw of its own of what they may have been.

    They see draws given the measured inputs and the labels of B, so that they learn the relation of noise-free
    inputs, which errors of the inputs have not flattened (`science.deconvolution`).
    """
    mixing = measured_behind(run.config.train.inputs(name))[1]
    n_inputs, n_columns = known.inputs.shape[1], known.inputs.shape[1] + known.labels.shape[1]
    values = np.concatenate([known.inputs, known.labels], axis=1)
    noise = np.zeros((len(known), n_columns, n_columns))  # labels are exact: their noise is in what they are
    noise[:, :n_inputs, :n_inputs] = np.einsum("ci,sc,cj->sij", mixing, np.nan_to_num(known.errors) ** 2, mixing)
    mixture = deconvolve(values, noise, run.config.seed, N_COMPONENTS)
    samples = []
    for member in range(run.config.train.n_members):
        latent = draw_latent(mixture, values, noise, run.config.seed + member)[:, :n_inputs]
        samples.append(Sample(scaling.scale_inputs(latent), scaling.to_corrections(latent, known.labels)))
    members = train_members(workers, f"train {name}, noise-free inputs", _jobs(name, samples, run))
    return join_members([plan for plan, _ in members])


def _jobs(name: str, samples: list[Sample], run: Run) -> list[Job]:
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


def _neighbourhood(known: TrainingSet, inputs: tuple[str, ...], run: Run) -> Neighbourhood:
    """Return the training stars in all inputs and, where A has it for all of them, the reddening."""
    if np.isnan(known.reddening).any():
        return fit_neighbourhood(known.inputs, inputs, run.config.seed)
    columns = np.concatenate([known.inputs, known.reddening[:, None]], axis=1)
    return fit_neighbourhood(columns, (*inputs, schema.EBV.name), run.config.seed)

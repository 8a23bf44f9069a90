"""Train: one family, from its training stars to networks, domains, fallbacks and errors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import RunConfig
from stdask.config.stages import DomainConfig
from stdask.config.training import TrainConfig
from stdask.network.ensemble import Family
from stdask.network.plan import Plan, join_members
from stdask.network.recipe import Sample
from stdask.pairing.training_set import TrainingSet
from stdask.runs.counts import DomainBins
from stdask.runs.ensemble import draws_of
from stdask.schema.evaluation import EpochRow
from stdask.science.translation.dissimilarity import Neighbourhood, fit_neighbourhood
from stdask.science.translation.gaussian_mixture import fit_mixture
from stdask.science.translation.masking import Patterns, mask_inputs
from stdask.science.translation.scaling import NO_COUNTERPART, Scaling, fit_scaling
from stdask.science.translation.validity import (
    WANTED_INSIDE,
    Domain,
    choose_n_bins,
    fit_domain,
    share_held_out_inside,
)
from stdask.stages.train.errors import calibrate
from stdask.stages.train.fallback import choose_fallback
from stdask.stages.train.gaussian_process import blend_family, fit_processes, process_jobs
from stdask.stages.train.latent import train_latent
from stdask.stages.train.members import Job, Member, Shelves, jobs_of, sample_of, train_members
from stdask.stages.train.weights import EQUAL, Others, choose_way, density_of, note_of_equal, star_weights, ways_of


class Trained(NamedTuple):
    """A family, how it came about, and what the user should know of it."""

    family: Family
    history: list[EpochRow]
    notes: list[str]
    domains: dict[str, DomainBins]  # "intrinsic inputs" and the like -> bins


def train_family(
    name: str,
    stars: TrainingSet,
    patterns: Patterns,
    config: RunConfig,
    workers: Workers,
    shelves: Shelves,
    others: Others | None = None,
) -> Trained:
    """Train all members of a family on the workers, and calibrate its errors.

    Parameters
    ----------
    name
        "intrinsic" or "extrinsic".
    stars
        Usable pairs; test stars among them are not used.
    patterns
        Of the missing inputs of catalogue A.
    config, workers
        `[train]`, `[domain]`, `[translate]` and the seed of the run; and its workers.
    shelves
        Where trained members are kept.
    others
        Stars of A that are in no pair, for weights of the catalogue.
    """
    train, domain, draws = config.train, config.domain, draws_of(config)
    known = stars.subset(~stars.is_test)
    networks = _train_networks(name, known, patterns, config, workers, shelves, others)
    family, notes = networks.family, list(networks.notes)
    fits = process_jobs(networks.jobs, train)
    processes = fit_processes(workers, f"fit {name} Gaussian processes", fits)
    family = blend_family(family, fits, processes, known, train, config.seed)
    if train.debias:
        shelf = shelves.of(f"{name}_latent")
        family = train_latent(family, known, train, config.seed, workers, shelf, networks.weights)
        bare = [label for label, own in zip(family.labels, known.label_errors.T, strict=True) if np.isnan(own).all()]
        notes += [f"{label}: B states no errors, so its debiased values may fall short of slope 1" for label in bare]
    if train.fallback == "best":
        fallback, replaced = choose_fallback(family, known, train, config.seed)
        family, notes = replace(family, fallback=fallback), [*notes, *replaced]
    history = [
        EpochRow(name, member, e.epoch, e.learning_rate, e.loss, e.val_loss)
        for member, (_, epochs) in enumerate(networks.members)
        for e in epochs
    ]
    domains = domain_bins(family, known, domain.min_stars)
    notes += notes_of_domains(domains)
    return Trained(calibrate(family, known, patterns, train, draws), history, notes, domains)


class _Networks(NamedTuple):
    """The networks of a family, before anything is fitted to what they predict."""

    family: Family
    jobs: list[Job]
    members: list[Member]
    weights: np.ndarray  # (n_stars, n_labels), of the stars that are not test stars
    notes: list[str]


def _train_networks(
    name: str,
    known: TrainingSet,
    patterns: Patterns,
    config: RunConfig,
    workers: Workers,
    shelves: Shelves,
    others: Others | None,
) -> _Networks:
    """Train the members, with each of the weights that are asked for, and choose among these on held-out stars."""
    train, seed, notes = config.train, config.seed, list[str]()
    scaling = fit_scaling(known.inputs, known.labels, own_inputs(name, train), train.target)
    density = np.ones(len(known)) if others is None else density_of(known, others, seed)
    found: dict[str, _Networks] = {}
    for way in ways_of(train.weights):
        weights = star_weights(way, known, density)
        jobs = member_jobs(name, known, scaling, patterns, train, seed, weights)
        title, kind = ("", "") if way == EQUAL else (f", weights {way}", f"_{way}")
        members = train_members(workers, f"train {name}{title}", jobs, shelves.of(f"{name}{kind}"))
        plans = [plan for plan, _ in members]
        if found:
            family = replace(found[EQUAL].family, plan=join_members(plans))
        else:
            family = uncalibrated(name, known, scaling, plans, train, config.domain, seed)
        notes += note_of_equal(name, way, weights)
        found[way] = _Networks(family, jobs, members, weights, notes)
    if len(found) == 1:
        return found[way]
    families = {other: networks.family for other, networks in found.items()}
    way, gains = choose_way(families, known, density, train, seed)
    return found[way]._replace(notes=gains + notes)


def own_inputs(name: str, train: TrainConfig) -> list[int]:
    """Return for each label of a family the column of its counterpart among the inputs, or `NO_COUNTERPART`."""
    inputs = train.inputs(name)
    return [inputs.index(item.source) if item.source else NO_COUNTERPART for item in train.labels(name)]


def member_jobs(
    name: str,
    known: TrainingSet,
    scaling: Scaling,
    patterns: Patterns,
    train: TrainConfig,
    seed: int,
    weights: np.ndarray | float = 1.0,
) -> list[Job]:
    """Return one job a member, on stars as measured, each with its own split of them and the weights of the stars."""
    return jobs_of(name, _measured_samples(known, patterns, scaling, train, seed, weights), train, seed)


def uncalibrated(
    name: str,
    known: TrainingSet,
    scaling: Scaling,
    plans: Sequence[Plan],
    train: TrainConfig,
    domain: DomainConfig,
    seed: int,
) -> Family:
    """Return the family of trained members, with its domains, before its errors are calibrated."""
    inputs, items = train.inputs(name), train.labels(name)
    labels = tuple(item.label for item in items)
    return Family(
        name=name,
        inputs=inputs,
        labels=labels,
        counterparts=tuple(item.source for item in items),
        scaling=scaling,
        plan=join_members(plans),
        input_domain=_domain(known.inputs, inputs, domain),
        label_domain=_domain(known.labels, labels, domain),
        neighbourhood=_neighbourhood(known, inputs, seed),
        density=fit_mixture(known.inputs, seed) if train.missing == "draw" else None,
    )


def _domain(values: np.ndarray, names: Sequence[str], domain: DomainConfig) -> Domain:
    return fit_domain(values, names, domain.n_bins or choose_n_bins(values, domain.min_stars), domain.min_stars)


def domain_bins(family: Family, known: TrainingSet, min_stars: int) -> dict[str, DomainBins]:
    """Return the bins of the domains of inputs and labels, each by its name."""
    domains = {"inputs": (family.input_domain, known.inputs), "labels": (family.label_domain, known.labels)}
    return {
        f"{family.name} {what}": DomainBins(own.n_bins, share_held_out_inside(values, own.n_bins, min_stars))
        for what, (own, values) in domains.items()
    }


def notes_of_domains(domains: Mapping[str, DomainBins]) -> list[str]:
    """Return a line for each domain outside of which lie more of the new stars than wanted."""
    return [
        f"{name}: only {100 * own.inside:.1f} % of the training stars lie inside the domain of the others, with "
        f"{own.n_bins} bins along each axis ([domain] n_bins). New stars like those outside are flagged, and not merged"
        for name, own in domains.items()
        if own.inside < WANTED_INSIDE
    ]


def _measured_samples(
    known: TrainingSet,
    patterns: Patterns,
    scaling: Scaling,
    train: TrainConfig,
    seed: int,
    weights: np.ndarray | float,
) -> list[Sample]:
    """Return the stars of each member, as measured.

    Where missing inputs of the catalogue become the training mean, some become it here too, at the catalogue's rate
    and with other random numbers for each member. Where they are drawn, the networks are trained on complete stars
    alone: a drawn input holds no information on its star, and networks trained on such inputs would give that input
    too little weight in all other stars.
    """
    samples = []
    for member in range(train.n_members):
        inputs = known.inputs
        if train.missing == "mean":
            inputs = mask_inputs(inputs, patterns, known.star_keys, seed, f"masked for member {member}")
        corrections = scaling.to_corrections(inputs, known.labels)
        samples.append(sample_of(scaling.scale_inputs(inputs), corrections, weights))
    return samples


def _neighbourhood(known: TrainingSet, inputs: tuple[str, ...], seed: int) -> Neighbourhood:
    """Return the training stars in all inputs and, where A has it for all of them, the reddening."""
    if np.isnan(known.reddening).any():
        return fit_neighbourhood(known.inputs, inputs, seed)
    columns = np.concatenate([known.inputs, known.reddening[:, None]], axis=1)
    return fit_neighbourhood(columns, (*inputs, schema.EBV.name), seed)

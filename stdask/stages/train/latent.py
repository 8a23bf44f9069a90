"""Train: networks of noise-free inputs, for labels without attenuation."""

from dataclasses import replace

import numpy as np

from stdask.cluster.workers import Workers
from stdask.config.training import TrainConfig
from stdask.network.ensemble import Family, Stretch, predict_members
from stdask.network.plan import join_members
from stdask.pairing.training_set import TrainingSet
from stdask.science.assessment.attenuation import unattenuated_gain
from stdask.science.keys.seeds import generator
from stdask.science.translation.combining import mean_of_unseen
from stdask.science.translation.deconvolution import deconvolve, draw_latent
from stdask.science.translation.known_labels import take_from_neighbours
from stdask.science.translation.resampling import measured_behind
from stdask.stages.train.errors import held_out_stars
from stdask.stages.train.members import Shelf, jobs_of, sample_of, train_members

UNKNOWN = 1e3  # error of a label that B lacks, in units of its scatter: a star's other values decide
N_COMPONENTS = 10  # Gaussians of the noise-free stars: from 5 to 16 the slopes on the mock differ by less than 1 %


def train_latent(
    family: Family,
    known: TrainingSet,
    train: TrainConfig,
    seed: int,
    workers: Workers,
    shelf: Shelf,
    weights: np.ndarray | float = 1.0,
) -> Family:
    """Return the family with networks trained on noise-free inputs, and the stretch that their slopes still need.

    Each member is trained on its own random draw of the noise-free inputs given the measured inputs and the labels of
    B, and so on a relation that errors of the inputs have not flattened (`science.translation.deconvolution`). What the
    networks themselves flatten, where they smooth a steep relation, is measured on held-out stars and stretched.

    Parameters
    ----------
    family
        With its scaling.
    known
        The stars that are not test stars.
    train, seed, workers
        `[train]`, the seed of the run, and its workers.
    shelf
        Where trained members are kept.
    weights : shape (n_stars, n_labels)
        How much each star counts for each label.
    """
    values, noise = _noisy_values(family, known)
    n_inputs = known.inputs.shape[1]
    mixture = deconvolve(values, noise, seed, N_COMPONENTS)
    samples = []
    for member in range(train.n_members):
        rng = generator(seed, f"noise-free {family.name} inputs", member)
        latent = draw_latent(mixture, values, noise, rng)[:, :n_inputs]
        corrections = family.scaling.to_corrections(latent, known.labels)
        samples.append(sample_of(family.scaling.scale_inputs(latent), corrections, weights))
    title = f"train {family.name}, noise-free inputs"
    members = train_members(workers, title, jobs_of(family.name, samples, train, seed), shelf)
    plan = join_members([plan for plan, _ in members])
    return replace(
        family, latent_plan=plan, stretch=_stretch(replace(family, plan=plan, blend=None), known, train, seed)
    )


def _noisy_values(family: Family, known: TrainingSet) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels side by side, and the covariances of their noise.

    Labels are taken as exact. One that B lacks has an error far beyond its scatter, so that it says nothing.
    """
    mixing = measured_behind(family.inputs)[1]
    labels = take_from_neighbours(known.labels, family.scaling.scale_inputs(known.inputs))
    values = np.concatenate([known.inputs, labels], axis=1)
    n_inputs, n_columns = known.inputs.shape[1], values.shape[1]
    noise = np.zeros((len(known), n_columns, n_columns))
    noise[:, :n_inputs, :n_inputs] = np.einsum("ci,sc,cj->sij", mixing, np.nan_to_num(known.errors) ** 2, mixing)
    columns = np.arange(n_inputs, n_columns)
    noise[:, columns, columns] = np.isnan(known.labels) * (UNKNOWN * labels.std(axis=0)) ** 2
    return values, noise


def _stretch(latent: Family, known: TrainingSet, train: TrainConfig, seed: int) -> Stretch:
    held_out = held_out_stars(len(known), train, seed)
    unseen = np.any(held_out, axis=0)
    members = predict_members(latent, known.inputs[unseen])
    predicted = mean_of_unseen(members, held_out[:, unseen])
    labels, errors = known.labels[unseen], known.label_errors[unseen]
    predicted = np.where(np.isnan(labels), np.nan, predicted)
    gains = [unattenuated_gain(*columns) for columns in zip(predicted.T, labels.T, errors.T, strict=True)]
    return Stretch(np.nanmean(predicted, axis=0), np.nanmean(labels, axis=0), np.array(gains))

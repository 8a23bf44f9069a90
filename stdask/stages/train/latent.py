"""Train: networks of noise-free inputs, for labels without attenuation."""

from dataclasses import replace

import numpy as np

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.network.ensemble import Family, Stretch, predict_members
from stdask.network.plan import join_members
from stdask.network.recipe import Sample
from stdask.pairing.training_set import TrainingSet
from stdask.runs.stage import Stage
from stdask.science.assessment.attenuation import unattenuated_gain
from stdask.science.translation.combining import mean_of_unseen
from stdask.science.translation.deconvolution import deconvolve, draw_latent
from stdask.science.translation.resampling import measured_behind
from stdask.stages.train.errors import held_out_stars
from stdask.stages.train.members import Shelf, jobs_of, train_members

N_COMPONENTS = 10  # of the noise-free stars: from 5 to 16 the slopes on the mock differ by less than 1 %


def train_latent(family: Family, known: TrainingSet, run: Run, workers: Workers, stage: Stage | None = None) -> Family:
    """Return the family with networks trained on inputs without noise, and what they still lack in slope.

    Each member learns from a draw of its own of what the noise-free inputs may have been, given the measured inputs
    and the labels of B, so that it learns the relation that errors of the inputs have not flattened
    (`science.deconvolution`). What the networks then still flatten, where they smooth a steep relation, is measured
    on the stars that they had held out, and stretched.

    Parameters
    ----------
    family
        With its scaling.
    known
        The stars that are not test stars.
    run, workers
        The run and its workers.
    stage
        That keeps its members on disk until it is done; members are not kept if None.
    """
    mixing = measured_behind(family.inputs)[1]
    values = np.concatenate([known.inputs, known.labels], axis=1)
    n_inputs, n_columns = known.inputs.shape[1], values.shape[1]
    noise = np.zeros((len(known), n_columns, n_columns))  # labels are exact: what they are given is what they are
    noise[:, :n_inputs, :n_inputs] = np.einsum("ci,sc,cj->sij", mixing, np.nan_to_num(known.errors) ** 2, mixing)
    mixture = deconvolve(values, noise, run.config.seed, N_COMPONENTS)
    samples = []
    for member in range(run.config.train.n_members):
        latent = draw_latent(mixture, values, noise, run.config.seed + member)[:, :n_inputs]
        corrections = family.scaling.to_corrections(latent, known.labels)
        samples.append(Sample(family.scaling.scale_inputs(latent), corrections))
    shelf = Shelf(stage, f"{family.name}_latent") if stage else None
    title = f"train {family.name}, noise-free inputs"
    members = train_members(workers, title, jobs_of(family.name, samples, run), shelf)
    plan = join_members([plan for plan, _ in members])
    return replace(family, latent_plan=plan, stretch=_stretch(replace(family, plan=plan), known, run))


def _stretch(latent: Family, known: TrainingSet, run: Run) -> Stretch:
    held_out = held_out_stars(len(known), run)
    unseen = np.any(held_out, axis=0)
    members = predict_members(latent, known.inputs[unseen])
    predicted = mean_of_unseen(members, held_out[:, unseen])
    labels, errors = known.labels[unseen], known.label_errors[unseen]
    gains = [unattenuated_gain(*columns) for columns in zip(predicted.T, labels.T, errors.T, strict=True)]
    return Stretch(predicted.mean(axis=0), labels.mean(axis=0), np.array(gains))

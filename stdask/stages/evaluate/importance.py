"""Evaluate: how much each input contributes to labels and corrections, from all coalitions of inputs."""

import numpy as np

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.stages import EvaluateConfig
from stdask.network.ensemble import Family, predict
from stdask.pairing.training_set import TrainingSet
from stdask.schema.evaluation import ALL, COLOURS, ImportanceRow
from stdask.science.assessment.importance import (
    coalition_means,
    importance_errors,
    relative_importance,
    shapley_values,
    values_of_correction,
)
from stdask.science.keys.seeds import generator

METALLICITIES = ("M_H", "FE_H")  # the first that is a label groups the stars
GROUPS = {"[Fe/H] < -1": (-np.inf, -1.0), "[Fe/H] > -0.4": (-0.4, np.inf)}  # paper, appendix B
MIN_GROUP = 10  # stars, for an importance of a group
ROWS_A_TASK = 50_000  # of the small network a second of one core; predict fills them up by 1,920 at most, 4 %

Players = dict[str, tuple[int, ...]]  # name -> columns of the inputs


def importance_rows(
    family: Family, stars: TrainingSet, evaluate: EvaluateConfig, seed: int, workers: Workers
) -> list[ImportanceRow]:
    """Explain test stars against a background of the others, group by group.

    Source: Thomas et al. 2024, sect. 3.3.2 and appendix B; the corrections, the colours as one player and the
    errors are added. Within a family, label, `of`, `players` and group the importances add up to 100 per cent.

    Parameters
    ----------
    family
        The networks.
    stars
        All usable pairs of the family.
    evaluate, seed, workers
        `[evaluate]` says how many stars are explained, and how many are their background.
    """
    rng = generator(seed, "explained stars")
    known, test = stars.subset(~stars.is_test), stars.subset(stars.is_test)
    background = rng.permutation(known.inputs)[: evaluate.importance_stars]
    chosen = {
        group: rng.permutation(np.flatnonzero(members))[: evaluate.importance_stars]
        for group, members in _groups(family, test).items()
    }
    explained = np.unique(np.concatenate(list(chosen.values())))  # a star of two groups is evaluated once
    inputs = test.inputs[explained]
    means = evaluate_coalitions(family, inputs, background, workers)
    rows = []
    for kind, players in _games(family.inputs).items():
        columns = list(players.values())
        of_label = shapley_values(means, columns)
        values = {
            "translated label": of_label,
            "correction": values_of_correction(of_label, columns, inputs, background, family.own_columns),
        }
        for group, members in chosen.items():
            in_group = np.searchsorted(explained, members)
            for of, all_values in values.items():
                shares = relative_importance(all_values[in_group])
                errors = importance_errors(all_values[in_group], evaluate.n_bootstraps, seed)
                rows += [
                    ImportanceRow(family.name, of, kind, group, label, name, float(shares[i, n]), float(errors[i, n]))
                    for n, label in enumerate(family.labels)
                    for i, name in enumerate(players)
                ]
    return rows


def _games(inputs: tuple[str, ...]) -> dict[str, Players]:
    """Return the divisions of the inputs into players: each input, and the same with the colours as one."""
    singles: Players = {name: (column,) for column, name in enumerate(inputs)}
    games = {"inputs": singles}
    colours = tuple(column for column, name in enumerate(inputs) if schema.is_colour(name))
    if len(colours) > 1:
        others = {name: columns for name, columns in singles.items() if not schema.is_colour(name)}
        games["colours as one"] = others | {COLOURS: colours}
    return games


def _groups(family: Family, test: TrainingSet) -> dict[str, np.ndarray]:
    groups = {ALL: np.ones(len(test), dtype=bool)}
    label = next((name for name in METALLICITIES if name in family.labels), None)
    if label:
        metallicities = test.labels[:, family.labels.index(label)]
        for group, (low, high) in GROUPS.items():
            members = (metallicities > low) & (metallicities < high)
            if members.sum() >= MIN_GROUP:
                groups[group] = members
    return groups


def evaluate_coalitions(family: Family, inputs: np.ndarray, background: np.ndarray, workers: Workers) -> np.ndarray:
    """Return the means of all coalitions of inputs, each chunk of stars by one worker.

    Parameters
    ----------
    family
        The networks.
    inputs, background : shape (n_stars, n_inputs), (n_background, n_inputs)
        Stars to explain, and background stars, which represent "input not known".
    workers
        Chunks and means are the same for any number of workers.

    Returns
    -------
    means : shape (2^n_inputs, n_stars, n_labels), in the units of the labels
    """
    size = max(1, ROWS_A_TASK // (len(background) << inputs.shape[1]))
    chunks = [(start, inputs[start : start + size]) for start in range(0, len(inputs), size)]
    means = np.empty((1 << inputs.shape[1], len(inputs), len(family.labels)))
    description = f"importance of the {family.name} inputs"
    sizes = [len(stars) for _, stars in chunks]
    tasks = each(workers, explain_stars, chunks, background, family, description=description, sizes=sizes)
    for (start, stars), found in tasks:
        means[:, start : start + len(stars)] = found
    return means


def explain_stars(chunk: tuple[int, np.ndarray], background: np.ndarray, family: Family) -> np.ndarray:
    """Return the means of all coalitions for a chunk of stars: a few kB for each, for any background."""
    return coalition_means(lambda rows: predict(family, rows), chunk[1], background)

"""The figures of evaluate: learning curves, residuals, coverage, importance, domain."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from stdask.figures.assessment.coverage import draw_coverage
from stdask.figures.assessment.domain import draw_domain
from stdask.figures.assessment.importance import draw_importance
from stdask.figures.assessment.residuals import draw_residuals
from stdask.figures.assessment.training import draw_learning_curves
from stdask.network.ensemble import Family
from stdask.schema.evaluation import (
    ALL,
    CALIBRATED,
    DRAWN,
    CoverageRow,
    EpochRow,
    EvaluationTables,
    ImportanceRow,
)
from stdask.stages.evaluate.domain import CatalogueCounts, fine_edges
from stdask.stages.evaluate.scores import EvaluatedFamily
from stdask.storage.documents import write_figures


def draw_figures(
    folder: Path,
    evaluated: EvaluatedFamily,
    catalogue: CatalogueCounts,
    tables: EvaluationTables,
    history: Sequence[EpochRow],
    titles: tuple[str, str],
    units: Mapping[str, str],
) -> list[Path]:
    """Draw and write the figures of one family; return their paths.

    Parameters
    ----------
    folder, evaluated
        Where the figures go, and the family.
    catalogue
        Stars of A outside the domain, and in bins of each pair of inputs.
    tables, history
        Of evaluate and of train.
    titles, units
        Names of the two surveys, and label -> unit.
    """
    family, domain, test = evaluated.family, evaluated.family.input_domain, evaluated.test
    figures = {
        f"learning_{family.name}": draw_learning_curves(*_history(history, family)),
        f"importance_{family.name}": draw_importance(*_importance(tables.importance, family)),
        f"coverage_{family.name}": draw_coverage(*_coverage(tables, family)),
        f"domain_{family.name}": draw_domain(
            family.inputs,
            (domain.edges, domain.occupied),
            (fine_edges(domain), catalogue.binned),
            catalogue.shares[:-1],
            titles[0],
        ),
    }
    for number, label in enumerate(family.labels):
        raw = evaluated.predictions["raw"][:, number]
        figures[f"residuals_{family.name}_{label}"] = draw_residuals(
            label,
            test.labels[:, number],
            evaluated.predictions["translated"][:, number],
            raw if np.isfinite(raw).any() else None,
            units[label],
            titles,
        )
    return [path for name, figure in figures.items() for path in write_figures(folder / name, figure)]


def _history(history: Sequence[EpochRow], family: Family) -> list[np.ndarray]:
    own = [row for row in history if row.family == family.name]
    return [
        np.array([getattr(r, name) for r in own]) for name in ("member", "epoch", "learning_rate", "loss", "val_loss")
    ]


def _coverage(tables: EvaluationTables, family: Family) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, bins of the probability integral, and the covered shares of both intervals, of all stars."""

    def per_label(interval: str) -> np.ndarray:
        rows: list[CoverageRow] = [
            row
            for row in tables.coverage
            if (row.family, row.group, row.of, row.interval) == (family.name, ALL, "B", interval)
        ]
        return np.array([[(r.nominal, r.covered) for r in rows if r.label == label] for label in family.labels])

    bins = [[r.n for r in tables.pit if (r.family, r.label) == (family.name, label)] for label in family.labels]
    return family.labels, np.array(bins), per_label(CALIBRATED), per_label(DRAWN)


def _importance(importance: Sequence[ImportanceRow], family: Family) -> list[np.ndarray]:
    own = [row for row in importance if row.family == family.name and row.is_shown]
    names = ("label", "of", "players", "group", "input", "importance", "importance_err")
    return [np.array([getattr(row, name) for row in own]) for name in names]

"""The figures of evaluate: learning curves, residuals, coverage, importance, domain."""

from pathlib import Path
from typing import Any

import numpy as np

from stdask.config.run import Run
from stdask.figures.coverage import draw_coverage
from stdask.figures.domain import draw_domain
from stdask.figures.importance import draw_importance
from stdask.figures.residuals import draw_residuals
from stdask.figures.training import draw_learning_curves
from stdask.network.ensemble import Family
from stdask.pairing.training_set import TrainingSet
from stdask.schema.evaluation import ALL, CALIBRATED, DRAWN, is_shown
from stdask.storage import paths
from stdask.storage.documents import read_ecsv, write_figure


def draw_figures(
    run: Run,
    family: Family,
    test: TrainingSet,
    predictions: dict[str, np.ndarray],
    outside: np.ndarray,
    tables: dict[str, list[dict[str, Any]]],
) -> list[Path]:
    """Draw and write the figures of one family; return their paths."""
    folder = paths.evaluation(run.output)
    figures = {
        f"learning_{family.name}": draw_learning_curves(*_history(run, family)),
        f"importance_{family.name}": draw_importance(*_columns(tables["importance"], family)),
        f"coverage_{family.name}": draw_coverage(*_coverage(tables, family)),
        f"domain_{family.name}": draw_domain(
            family.inputs, family.input_domain.edges, family.input_domain.occupied, outside
        ),
    }
    names = (run.definition_a.title, run.definition_b.title)
    for number, label in enumerate(family.labels):
        raw = predictions["raw"][:, number]
        figures[f"residuals_{family.name}_{label}"] = draw_residuals(
            label,
            test.labels[:, number],
            predictions["translated"][:, number],
            raw if np.isfinite(raw).any() else None,
            run.definition_b.labels[label].unit,
            names,
        )
    written = []
    for name, figure in figures.items():
        write_figure(folder / f"{name}.png", figure)
        written.append(folder / f"{name}.png")
    return written


def _history(run: Run, family: Family) -> list[np.ndarray]:
    table = read_ecsv(paths.history(run.output))
    own = table[table["family"] == family.name]
    return [np.asarray(own[name]) for name in ("member", "epoch", "learning_rate", "loss", "val_loss")]


def _coverage(
    tables: dict[str, list[dict[str, Any]]], family: Family
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, bins of the probability integral, and the covered shares of both intervals, of all stars."""
    rows = [row for row in tables["coverage"] if row["group"] == ALL and row["of"] == "B"]

    def per_label(rows: list[dict[str, Any]], *names: str) -> np.ndarray:
        return np.array(
            [
                [[row[name] for name in names] for row in rows if (row["family"], row["label"]) == (family.name, label)]
                for label in family.labels
            ]
        )

    calibrated, drawn = (
        per_label([row for row in rows if row["interval"] == interval], "nominal", "covered")
        for interval in (CALIBRATED, DRAWN)
    )
    return family.labels, per_label(tables["pit"], "n")[..., 0], calibrated, drawn


def _columns(importance: list[dict[str, Any]], family: Family) -> list[np.ndarray]:
    own = [row for row in importance if row["family"] == family.name and is_shown(row)]
    names = ("label", "of", "players", "group", "input", "importance", "importance_err")
    return [np.array([row[name] for row in own]) for name in names]

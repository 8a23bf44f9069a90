"""Which part of the run file each stage's outputs depend on: a change there, and nowhere else, redoes the stage."""

import json
from collections.abc import Callable
from typing import Any

from stdask import schema
from stdask.config.run import Run
from stdask.network.ensemble import Draws
from stdask.network.recipe import N_DRAWS, relative_cost

MOST_ROWS = 50_000  # of a partition: tens of megabytes, which any tool opens
FEWEST_ROWS = 1_000
WANTED_COST = 1e12  # relative cost x draws x members x stars: two minutes with `paper` where docs/speed.md was measured
ENGINE = {"engine", "tf32"}  # of [translate]
LEARNT = {"intrinsic", "extrinsic", "features"}  # of [train]: the networks' inputs and labels


def stage_settings(run: Run, stage: str) -> dict[str, Any]:
    """Return the settings of a stage as plain JSON content, as its receipt keeps them."""
    return json.loads(json.dumps(SETTINGS[stage](run), default=str))


def draws_of(run: Run) -> Draws:
    """Return the Monte Carlo settings of `[translate]`, for the processor: its `engine` is the workers' affair."""
    t = run.config.translate
    n_draws = t.n_draws or N_DRAWS[run.config.train.preset]
    return Draws(n_draws, t.sampler, run.config.seed, t.include_nominal)


def rows_per_partition(run: Run, side: str) -> int:
    """Return how many rows a partition of A or B holds at most; those of A cost translate about the same time."""
    given, train = run.config.ingest.rows_per_partition, run.config.train
    if given is not None or side == "b":
        return given or MOST_ROWS
    cost = relative_cost(train) * draws_of(run).n_draws * train.n_members
    return int(min(MOST_ROWS, max(FEWEST_ROWS, WANTED_COST / cost)))


def _ingest(run: Run, side: str) -> dict[str, Any]:
    return {
        "definition": run.definition(side).model_dump(mode="json"),
        "rows_per_partition": rows_per_partition(run, side),
    }


def _pair(run: Run) -> dict[str, Any]:
    train = run.config.train
    return {"pair": run.config.pair.model_dump(), "train": train.model_dump(include=LEARNT | {"clip_sigma"})}


def _train(run: Run) -> dict[str, Any]:
    config = run.config
    return {
        **_draws(run),  # of held-out stars, that errors are learnt from
        "train": config.train.model_dump(),
        "domain": config.domain.model_dump(),
    }


def _evaluate(run: Run) -> dict[str, Any]:
    return {"evaluate": run.config.evaluate.model_dump(), **_draws(run)}


def _translate(run: Run) -> dict[str, Any]:
    engine = run.config.translate.model_dump(include=ENGINE)
    draws = _draws(run)
    return draws | {"translate": draws["translate"] | engine}


def _draws(run: Run) -> dict[str, Any]:
    """Return what realisations depend on."""
    translate = run.config.translate.model_dump(exclude=ENGINE) | {"n_draws": draws_of(run).n_draws}
    return {"seed": run.config.seed, "translate": translate}


def _merge(run: Run) -> dict[str, Any]:
    labels = {family: {c.label: c.source for c in run.config.train.labels(family)} for family in schema.FAMILIES}
    return {
        "merge": run.config.merge.model_dump(),
        "labels": labels,
        "rows_per_partition": rows_per_partition(run, "b"),
    }


def _atlas(run: Run) -> dict[str, Any]:
    return {"seed": run.config.seed, "atlas": run.config.atlas.model_dump()}


def _report(run: Run) -> dict[str, Any]:
    surveys = [run.definition(side).model_dump(mode="json") for side in "ab"]
    return {"run": run.config.model_dump(mode="json", by_alias=True), "surveys": surveys}


SETTINGS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "ingest_a": lambda run: _ingest(run, "a"),
    "ingest_b": lambda run: _ingest(run, "b"),
    "pair": _pair,
    "train": _train,
    "evaluate": _evaluate,
    "translate": _translate,
    "merge": _merge,
    "atlas": _atlas,
    "report": _report,
}

"""Which part of the run file each stage's outputs depend on: a change there, and nowhere else, redoes the stage."""

import json
from collections.abc import Callable
from typing import Any

from stdask import schema
from stdask.config import Run
from stdask.network.ensemble import Draws

LEARNT = {"intrinsic", "extrinsic", "features"}  # of [train]: the networks' inputs and labels


def stage_settings(run: Run, stage: str) -> dict[str, Any]:
    """Return the settings of a stage as plain JSON content, as its receipt keeps them."""
    return json.loads(json.dumps(SETTINGS[stage](run), default=str))


def draws_of(run: Run) -> Draws:
    """Return the Monte Carlo settings of `[translate]`."""
    t = run.config.translate
    return Draws(t.n_draws, t.sampler, run.config.seed, t.include_nominal, t.rows_per_block)


def _ingest(run: Run, side: str) -> dict[str, Any]:
    return {
        "definition": run.definition(side).model_dump(mode="json"),
        "rows_per_partition": run.config.ingest.rows_per_partition,
    }


def _pair(run: Run) -> dict[str, Any]:
    train = run.config.train
    return {"pair": run.config.pair.model_dump(), "train": train.model_dump(include=LEARNT | {"clip_sigma"})}


def _train(run: Run) -> dict[str, Any]:
    config = run.config
    draws = config.translate.model_dump(exclude={"rows_per_block"})  # of held-out stars, that errors are learnt from
    return {
        "seed": config.seed,
        "translate": draws,
        "train": config.train.model_dump(),
        "domain": config.domain.model_dump(),
    }


def _evaluate(run: Run) -> dict[str, Any]:
    return {"evaluate": run.config.evaluate.model_dump(), **_translate(run)}


def _translate(run: Run) -> dict[str, Any]:
    return {"seed": run.config.seed, "translate": run.config.translate.model_dump()}


def _merge(run: Run) -> dict[str, Any]:
    labels = {family: [c.label for c in run.config.train.labels(family)] for family in schema.FAMILIES}
    return {
        "merge": run.config.merge.model_dump(),
        "labels": labels,
        "rows_per_partition": run.config.ingest.rows_per_partition,
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

"""Measure how fast one thread of this machine translates, and what takes the time."""

import cProfile
import pstats
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import stdask
from stdask.cluster.machine import Work, matrix_product, speed
from stdask.config.run import Run
from stdask.config.training import TrainConfig
from stdask.display.console import progress_bar
from stdask.network.cpu.engine import CpuEngine
from stdask.network.ensemble import Family
from stdask.network.plan import Plan, unfolded_operations
from stdask.network.presets import shape_of
from stdask.network.recipe import Architecture
from stdask.runs.ensemble import draws_of
from stdask.science.keys.seeds import generator
from stdask.stages.translate.table import new_columns
from stdask.stages.translate.tasks import TranslationJob, translate_partition
from stdask.storage.catalogue.hats import write_partition
from stdask.tools.bench.stars import PIXEL, MadeUpSurvey

ENGINE_OPERATIONS = 5e9  # in a timing: some 50 ms
TASK_OPERATIONS = 3e11  # in a timing: some three seconds
KERAS_ROWS = 6400  # a call on fewer mostly starts up
KERAS_BATCH = 32  # the default of Keras, which the authors' code leaves as it is
# of the time of a task: functions, each with all that it calls
PARTS = {
    "networks": ("run",),
    "draws": ("uniform_draws", "resample_inputs", "draw_missing"),
    "combination": ("trimmed_mean", "summarise_draws", "member_spread", "to_labels"),
    "flags": ("_surroundings", "_flags", "_comments", "describe_flags", "contains", "sigma_parts"),
    "Parquet": ("read_parquet", "to_table", "write_partition", "sha256"),
}


@dataclass(frozen=True)
class Case:
    """A preset, with made-up networks, and made-up stars in one partition on disk."""

    train: TrainConfig
    job: TranslationJob
    n_new: int  # columns that the translation adds
    n_stars: int

    @property
    def plan(self) -> Plan:
        """The networks of the first family."""
        return self.job.families[0].plan

    @property
    def operations(self) -> int:
        """Operations a star: all families, draws and members, in the networks before folding."""
        return _operations(self.job.families, self.job.draws.n_draws)

    def translate(self) -> None:
        """Translate the partition, from file to file."""
        translate_partition(PIXEL, self.job)


def prepare(run: Run, preset: str, folder: Path) -> Case:
    """Make up networks and stars, as many as take some seconds, and write the stars.

    Parameters
    ----------
    run
        Its networks' inputs, labels and members are used; the number of draws is that of the preset unless it is given.
    preset
        Architecture.
    folder
        Of the partitions.
    """
    train = run.config.train.model_copy(update={"preset": preset})
    run = run.model_copy(update={"config": run.config.model_copy(update={"train": train})})
    survey, draws = MadeUpSurvey.of(run), draws_of(run.config)
    families = survey.families()
    new = new_columns(families, run.definition_b.units)
    job = TranslationJob(
        folder / preset / "made_up", folder / preset / "translated", families, "bench", draws, (*survey.columns, *new)
    )
    n_stars = int(TASK_OPERATIONS / _operations(families, draws.n_draws))
    write_partition(job.source, PIXEL, survey.table(n_stars), {})
    return Case(train, job, len(new), n_stars)


def _operations(families: Sequence[Family], n_draws: int) -> int:
    return sum(n_draws * family.plan.n_members * unfolded_operations(family.plan) for family in families)


def measure(cases: Mapping[str, Case], repeats: int) -> list[dict[str, Any]]:
    """Time the engine, a Keras loop and whole tasks against the matrix product of this machine.

    Everything is timed in turn, `repeats` times; a speed is the median of its ratios to the matrix product of the same
    turn, since machines are shared.

    Parameters
    ----------
    cases
        By preset.
    repeats
        Turns.

    Returns
    -------
    rows
        One a preset.
    """
    rows = []
    with threadpool_limits(1), progress_bar("bench", repeats * len(cases)) as bar:
        product = matrix_product()
        for preset, case in cases.items():
            works = {"engine": _engine(case), "keras": _keras(case), "task": _task(case)}
            speeds: dict[str, list[float]] = {name: [] for name in ("product", *works)}
            for _ in range(repeats):
                peak = speed(*product)
                speeds["product"].append(peak)
                for name, work in works.items():
                    speeds[name].append(speed(*work) / peak)
                bar.advance(1, preset)
            rows.append(_row(preset, case, {name: float(np.median(own)) for name, own in speeds.items()}))
    return rows


def shares(case: Case) -> dict[str, float]:
    """Return the part of a task's time that each kind of work takes."""
    profile = cProfile.Profile()
    profile.runcall(case.translate)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    own = str(Path(stdask.__file__).parent)
    seconds = {key[2]: times[3] for key, times in stats.items() if key[0].startswith(own)}
    total = seconds[translate_partition.__name__]
    known = {part: sum(seconds.get(name, 0.0) for name in names) / total for part, names in PARTS.items()}
    return known | {"rest": 1 - sum(known.values())}


def _row(preset: str, case: Case, medians: dict[str, float]) -> dict[str, Any]:
    operations = unfolded_operations(case.plan)
    peak = medians["product"]
    keras_stars = medians["keras"] * peak / case.operations
    task_stars = medians["task"] * peak / case.operations
    return {
        "preset": preset,
        "sgemm_gflops": peak / 1e9,
        "engine_of_peak": medians["engine"],
        "engine_rows_per_s": medians["engine"] * peak / operations,
        "n_draws": case.job.draws.n_draws,
        "task_of_peak": medians["task"],
        "task_stars_per_s": task_stars,
        "keras_of_peak": medians["keras"],
        "keras_stars_per_s": keras_stars,
        "task_to_keras": task_stars / keras_stars,
    } | {f"share_{part.lower()}": share for part, share in shares(case).items()}


def _engine(case: Case) -> Work:
    plan = case.plan
    n_rows = int(ENGINE_OPERATIONS / (plan.n_members * unfolded_operations(plan)))
    rows = generator(0, "rows for the engine").normal(size=(n_rows, plan.n_inputs)).astype(np.float32)
    engine = CpuEngine(plan)
    engine.run(rows[:1])  # compiles it
    return float(n_rows * plan.n_members * unfolded_operations(plan)), lambda: engine.run(rows)


def _keras(case: Case) -> Work:
    """Return one member predicting as in the authors' code, batch by batch."""
    from stdask.network.resnet import build

    plan = case.plan
    model = build(Architecture(plan.n_inputs, plan.n_labels, **shape_of(case.train)), case.job.draws.seed)
    rows = generator(0, "rows for Keras").normal(size=(KERAS_ROWS, plan.n_inputs)).astype(np.float32)
    model.predict(rows[:KERAS_BATCH], batch_size=KERAS_BATCH, verbose=0)  # traces it
    return (
        float(KERAS_ROWS * unfolded_operations(plan)),
        lambda: model.predict(rows, batch_size=KERAS_BATCH, verbose=0),
    )


def _task(case: Case) -> Work:
    case.translate()  # compiles the engine
    return float(case.n_stars * case.operations), case.translate

"""Bench: what this machine can do, and what a run will cost on it."""

import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stdask import __version__
from stdask.cluster.configuration import ONE_THREAD
from stdask.cluster.machine import SGEMM
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run, load_run
from stdask.config.survey_files import MAIN
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.mock.run_file import RUN_FILE
from stdask.runs.ensemble import draws_of
from stdask.stages.translate.forecast import SAMPLE_STARS, Workload, forecast, require_memory, say_forecast
from stdask.stages.translate.table import new_columns
from stdask.stages.translate.tasks import rows_per_task
from stdask.storage.files import write_text
from stdask.storage.surveys.files import open_survey
from stdask.tools.bench.ingest import measure_ingest, measure_joined
from stdask.tools.bench.speed import Case, measure, prepare
from stdask.tools.bench.stars import MadeUpSurvey
from stdask.tools.bench.workers import N_TASKS, measure_tasks, measure_workers

SEED = 7


def run(presets: Sequence[str], repeats: int, json_file: Path | None) -> None:
    """Measure this machine with made-up networks and stars in the shape of the demo, and print it.

    Parameters
    ----------
    presets
        Architectures to time.
    repeats
        How often everything is timed in turn.
    json_file
        Where to write the numbers as well; None for nowhere.
    """
    os.environ.update(ONE_THREAD)  # before TensorFlow reads them
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_text(folder / "run.toml", RUN_FILE.format(seed=SEED, output=name))
        demo = load_run(folder / "run.toml")
        cases = {preset: prepare(demo, preset, folder) for preset in presets}
        speeds = measure(cases, repeats)
        workers = {preset: measure_workers(case, repeats) for preset, case in cases.items()}
    task_ms = measure_tasks()
    _write(json_file, {"task_ms": task_ms, "presets": [row | workers[row["preset"]] for row in speeds]})
    _print(speeds, cases, workers)
    say(f"Dask costs {task_ms:.2g} ms a task ({N_TASKS:,} tasks that do nothing, on as many workers as cores)")


def ingest_rate(n_rows: int, joined: bool, json_file: Path | None) -> None:
    """Measure how fast this machine ingests a made-up table, and print it.

    Parameters
    ----------
    n_rows
        Of the table, which is written in a folder of the current one, as a survey would be: not in memory.
    joined
        As several tables that are joined, and as a wide one, instead.
    json_file
        Where to write the numbers as well; None for nowhere.
    """
    with tempfile.TemporaryDirectory(dir=".", prefix="stdask-bench-") as name, Workers(ClusterConfig()) as workers:
        measure = measure_joined if joined else measure_ingest
        _write(json_file, measure(n_rows, Path(name).resolve(), workers))


def plan(run: Run) -> None:
    """Print what the translation of a run will cost, before any of its stages.

    Rows are those of the survey file, before its cuts; networks and stars are made up.

    Raises
    ------
    SurveyError
        If the survey file cannot be read.
    ClusterError
        If the workers would have too little memory.
    """
    n_stars = open_survey(*run.survey_files("a")[MAIN]).n_rows
    survey = MadeUpSurvey.of(run)
    families, sample = survey.families(), survey.table(SAMPLE_STARS)
    new = new_columns(families, run.definition_b.units)
    columns = (*survey.columns, *new)
    draws, largest = draws_of(run.config), min(n_stars, run.config.ingest.rows_per_partition)
    load = Workload(n_stars, largest, rows_per_task(families, draws.n_draws))
    cost = forecast(families, draws, sample, columns, load)
    say(f"translate {run.definition_a.name} to the scale of {run.definition_b.name}, preset {run.config.train.preset}:")
    say_forecast(cost, run.config.cluster)
    require_memory(cost, run.config.cluster)


def _write(json_file: Path | None, numbers: Mapping[str, Any]) -> None:
    if json_file is not None:
        about = {"stdask": __version__, "machine": platform.machine(), "python": platform.python_version()}
        write_text(json_file, json.dumps({**about, **numbers}, indent=1) + "\n")
        say(f"numbers  {json_file}")


def _print(
    speeds: Sequence[Mapping[str, Any]], cases: Mapping[str, Case], workers: Mapping[str, Mapping[str, Any]]
) -> None:
    shares = [{k: v for k, v in row.items() if k == "preset" or k.startswith("share_")} for row in speeds]
    rows = [{k: v for k, v in row.items() if not k.startswith("share_")} for row in speeds]
    size = " x ".join(str(n) for n in SGEMM)
    title = f"One thread, compared with its matrix product ({size}); operations are counted before folding"
    print_table(title, _by_preset(rows))
    print_table("Shares of the time of a whole task", _by_preset(shares))
    told = [
        {
            "preset": preset,
            "stars in a task": cases[preset].n_stars,
            "workers": own["workers"],
            "speedup": own["speedup"],
            "peak memory [MB]": own["peak_bytes"] / 1e6,
            "predicted [MB]": own["predicted_peak_bytes"] / 1e6,
        }
        for preset, own in workers.items()
    ]
    print_table("One worker a core, compared with one worker alone", _by_preset(told))


def _by_preset(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one line a quantity, with a column for each preset."""
    names = [name for name in rows[0] if name != "preset"]
    return [{"": name.replace("_", " "), **{row["preset"]: row[name] for row in rows}} for name in names]

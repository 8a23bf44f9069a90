"""A stage gives other results only with another number of its results: the rule of docs/contributing.md.

A small run of the mock surveys is summarised: of every column of every table the number of values, their mean and their
standard deviation. `results.json` holds what is right for the numbers of `stdask/runs/results.py`.

`python -m tests.end_to_end.test_results` writes the file again, but only for stages whose number was raised, and for
those that read from them.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from distributed import LocalCluster
from safetensors.numpy import load_file

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run, load_run
from stdask.mock.run_file import RUN_FILE
from stdask.runs.receipts import read_receipt
from stdask.runs.registry import STAGES, stages_of
from stdask.runs.results import RESULTS, results_of
from stdask.tools.demo import prepare
from stdask.tools.run import run_all

FILE = Path(__file__).with_name("results.json")
WRITE = "python -m tests.end_to_end.test_results"
SIZES = {"n_a": 1500, "n_b": 1500, "n_common": 300, "seed": 11}
# Before the training, sums of float32 numbers differ in their last digits. Training amplifies the rounding of another
# processor: after two epochs to some 1e-4 of a label. A change below 1 per cent is not seen after the training.
EXACT, TRAINED = 1e-6, 0.01
BEFORE_TRAINING = ("ingest_a", "ingest_b", "pair")
SMALL = """
[evaluate]
n_bootstraps = 10
importance_stars = 5
[translate]
n_draws = 4
[cluster]
workers = 1
"""
HURRIED = """[train]
n_members = 2
max_epochs = 2
first_width = 8
depth = 1
min_pairs = 50
gaussian_process = "none"
"""
ATLAS = "n_bootstraps = 10\nn_noisy = 2\nselect = {}\nmin_stars_profile = 5\n"

Summary = dict[str, list[float]]  # "file: column" -> number of values, mean, standard deviation


def small_run(folder: Path) -> Run:
    """Run all stages on the mock surveys, with a worker that is a thread; return the run."""
    prepare(folder, **SIZES)
    text = RUN_FILE.format(seed=11, output=folder / "run").replace("debias = true", "").replace("[train]\n", HURRIED)
    (folder / "run.toml").write_text(text + ATLAS + SMALL)
    run = load_run(folder / "run.toml")
    with LocalCluster(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        config = ClusterConfig(kind="address", address=cluster.scheduler_address)
        with Workers(config) as workers:
            run_all(run, workers)
    return run


def summaries(run: Run) -> dict[str, Summary]:
    """Return the summary of each stage."""
    found: dict[str, Summary] = {}
    for stage in stages_of(run):
        receipt = read_receipt(run.output, stage)
        assert receipt is not None
        found[stage] = {}
        for name in sorted(receipt.outputs):
            short = re.sub(r"Norder=.*", "partitions", name)
            for column, values in columns_of(run.output / name):
                own = found[stage].get(f"{short}: {column}", [0, 0, 0])
                found[stage][f"{short}: {column}"] = [a + b for a, b in zip(own, values, strict=True)]
    return {stage: {key: finish(*sums) for key, sums in own.items()} for stage, own in found.items()}


def columns_of(path: Path) -> Iterator[tuple[str, list[float]]]:
    """Yield the number of values, their sum and the sum of their squares for each column of a table."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        arrays = {name: table.column(name).to_pandas().to_numpy() for name in table.column_names}
    elif path.suffix == ".ecsv":
        arrays = {
            name: np.ma.filled(column, np.nan)
            for name, column in Table.read(path).items()
            if column.dtype.kind in "ifb"
        }
    elif path.suffix == ".safetensors":
        arrays = load_file(path)
    elif path.suffix == ".html":
        arrays = {"titles and tables": np.array(re.findall(r"<h[23]|<table|<figure", path.read_text()), dtype=object)}
    else:
        arrays = {"file": np.ones(1)}  # figures and texts: that they are there
    for name, values in arrays.items():
        yield name, sums_of(np.asarray(values))


def sums_of(values: np.ndarray) -> list[float]:
    """Return how many values there are, their sum and that of their squares; of text the number and the lengths."""
    if values.dtype.kind not in "iufb":
        lengths = np.array([len(str(value)) for value in values.ravel() if value is not None], dtype=float)
        return [lengths.size, float(lengths.sum()), float((lengths**2).sum())]
    numbers = values.astype(float).ravel()
    numbers = numbers[np.isfinite(numbers)]
    return [numbers.size, float(numbers.sum()), float((numbers**2).sum())]


def finish(n: float, total: float, squares: float) -> list[float]:
    """Return number, mean and standard deviation, with eight digits."""
    mean = total / n if n else 0.0
    spread = np.sqrt(max(squares / n - mean**2, 0.0)) if n else 0.0
    return [int(n), float(f"{mean:.8g}"), float(f"{spread:.8g}")]


def differences(stage: str, written: Summary, found: Summary) -> list[str]:
    """Return what of a stage is not as it is written down, in words."""
    part = EXACT if stage in BEFORE_TRAINING else TRAINED
    lines = [f"{key} is new" for key in found.keys() - written.keys()]
    lines += [f"{key} is no more" for key in written.keys() - found.keys()]
    for key in written.keys() & found.keys():
        (n, mean, spread), now = written[key], found[key]
        scale = max(abs(mean), spread)
        # cancellation: the spread of equal values is that of their rounding
        far = np.abs(np.array(now[1:]) - (mean, spread)) > part * scale + 1e-7 * max(scale, 1.0)
        if abs(now[0] - n) > (0 if part == EXACT else max(2, 0.02 * n)) or far.any():
            lines.append(f"{key}: {[n, mean, spread]} became {now}")
    return sorted(lines)


def problems(written: Mapping[str, dict], found: Mapping[str, Summary]) -> list[str]:
    """Return what breaks the rule, a line for each stage."""
    raised, lines = set[str](), []
    for stage, entry in ((name, STAGES[name]) for name in written):
        if written[stage]["results"] != results_of(stage):
            raised.add(stage)
            lines.append(f"{stage}: its number is {results_of(stage)}: write its results down with `{WRITE}`")
        elif raised & set(entry.inputs):
            raised.add(stage)  # it reads other results
        elif changed := differences(stage, written[stage]["summary"], found[stage]):
            lines.append(
                f"{stage}: its results have changed. If that is meant, raise its number in stdask/runs/results.py, now "
                f"{results_of(stage)}, and run `{WRITE}`. {len(changed)} differences: {'; '.join(changed[:5])}"
            )
    return lines


@pytest.mark.slow
def test_results_change_with_their_numbers_alone(tmp_path: Path):
    assert problems(json.loads(FILE.read_text()), summaries(small_run(tmp_path))) == []


def test_a_change_of_results_is_found_and_a_raised_number_explains_it_for_all_later_stages(
    monkeypatch: pytest.MonkeyPatch,
):
    written = json.loads(FILE.read_text())
    found = {stage: dict(own["summary"]) for stage, own in written.items()}
    assert problems(written, found) == []
    for stage in ("pair", "translate"):
        key = next(key for key, (_, mean, _) in found[stage].items() if mean)
        n, mean, spread = found[stage][key]
        found[stage][key] = [n, 1.1 * mean, spread]
    assert [line.partition(":")[0] for line in problems(written, found)] == ["pair", "translate"]
    monkeypatch.setattr("stdask.runs.results.RESULTS", {**RESULTS, "pair": RESULTS["pair"] + 1})
    (line,) = problems(written, found)
    assert line.startswith("pair: its number is")


def main() -> None:
    """Write the results down; refuse if some have changed and the number of their stage has not."""
    with tempfile.TemporaryDirectory() as folder:
        found = summaries(small_run(Path(folder)))
    before = problems(json.loads(FILE.read_text()), found) if FILE.exists() else []
    if changed := [line for line in before if "have changed" in line]:
        sys.exit("\n".join(changed))
    lines = [
        f'"{stage}": {{"results": {results_of(stage)}, "summary": {{\n'
        + ",\n".join(f"{json.dumps(key)}: {json.dumps(own)}" for key, own in summary.items())
        + "\n}}"
        for stage, summary in found.items()
    ]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()

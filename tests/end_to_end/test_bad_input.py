"""Bad input ends in a line that says what, where and what to do, or in rows set aside with a reason."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from distributed import LocalCluster

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import load_run
from stdask.errors import StdaskError
from stdask.science.measurements.values import ERROR_COUNTS, VALUE_COUNTS
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from tests.bad_input import COLUMNS, EXPRESSIONS, FILES, ROWS, Input, Refused, Taken
from tests.bad_joins import TABLES
from tests.bad_photometry import PHOTOMETRY

CASES = {
    "The file": FILES,
    "Its columns and its definition": COLUMNS,
    "Its expressions": EXPRESSIONS,
    "Its rows": ROWS,
    "Its further tables": TABLES,
    "Its magnitudes and distances": PHOTOMETRY,
}
PAGE = Path(__file__).parents[2] / "docs" / "bad_input.md"
MAKE = "python -m tests.end_to_end.test_bad_input"
HEAD = f"""\
# What bad input does

`{MAKE}` makes this page: it spoils a table of twelve stars in each of these ways
and ingests it. The tests compare. An error ends the command with exit code 2, and no output is left that looks
finished. Everything else is counted: rows in are rows out plus rows set aside. `rejected.parquet` has each row that was
set aside, with the reason; `columns.ecsv` counts the values that are not measurements.
"""
WORDS = {
    "n_missing": "missing",
    "n_infinite": "infinite or too large",
    "n_sentinel": "a number that stands for missing",
    "n_outside": "outside `valid`",
    "n_typical_error": "without an error: the typical error is used",
}


@contextmanager
def as_a_user() -> Iterator[None]:
    """Run as an ordinary user: file permissions do not apply to the superuser."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def message(case: Refused, folder: Path, client: Workers) -> str:
    """Ingest what is to be refused; return the error without the path of the folder."""
    given = Input(folder)
    case.spoil(given)
    run_file = given.write()
    run = load_run(run_file, folder, folder / "out") if "permission" in case.what else None
    who = as_a_user() if "permission" in case.what else nullcontext()
    with pytest.raises(StdaskError) as caught, who:
        ingest.run(run or load_run(run_file, folder, folder / "out"), client, "a")
    assert not (folder / "out" / "catalogues" / "small" / "hats.properties").exists()
    return str(caught.value).replace(f"{folder}/", "").replace(str(folder), "")


def outcome(case: Taken, folder: Path, client: Workers) -> tuple[dict[str, int], dict[str, int]]:
    """Ingest what is to be taken; return the rows set aside, by reason, and the values lost, by what they were."""
    given = Input(folder)
    case.spoil(given)
    run = load_run(given.write(), folder, folder / "out")
    counts = ingest.run(run, client, "a").counts
    catalogue = paths.catalogue(run.output, "small")
    rejected = pq.read_table(catalogue / paths.REJECTED)
    assert counts.rows.n_in == case.n_stars == counts.rows.n_out + rejected.num_rows
    assert sum(pq.read_metadata(path).num_rows for path in catalogue.rglob("Npix=*.parquet")) == counts.rows.n_out
    (line,) = Table.read(catalogue / "columns.ecsv")
    lost = {name: int(line[name]) for name in (*VALUE_COUNTS, *ERROR_COUNTS) if name != "n_measured" and line[name]}
    return dict(counts.rows.set_aside), lost


@pytest.mark.parametrize("case", [pytest.param(c, id=c.what) for part in CASES.values() for c in part])
def test_bad_input_is_told_and_no_row_is_lost(case: Refused | Taken, client: Workers, tmp_path: Path):
    if isinstance(case, Refused):
        told = message(case, tmp_path, client)
        assert "\n" not in told
        assert [words for words in case.words if words not in told] == [], told
        cell = refusal(told)
    else:
        aside, lost = outcome(case, tmp_path, client)
        assert (aside, lost) == (case.aside, case.lost)
        cell = account(case, aside, lost)
    assert f"| {case.what} | {cell} |" in PAGE.read_text().splitlines(), f"make the page again: {MAKE}"


def test_the_page_tells_of_these_cases_and_no_others():
    told = [line.split(" | ")[0][2:] for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert [what for what in told if what != "what is wrong"] == [case.what for part in CASES.values() for case in part]
    assert len(told) >= 60


def refusal(told: str) -> str:
    """Return an error as the page shows it."""
    return "`stdask: " + told.replace("|", "\\|").replace("`", "'") + "`"


def account(case: Taken, aside: dict[str, int], lost: dict[str, int]) -> str:
    """Return what became of the rows as the page shows it."""
    n_aside = sum(aside.values())
    rows = f"{case.n_stars} rows in = {case.n_stars - n_aside} out + {n_aside} set aside"
    reasons = ", ".join(f"{n} {reason}" for reason, n in aside.items())
    values = [f"{n} values {WORDS[name]}" for name, n in lost.items()]
    return "; ".join([rows + (f" ({reasons})" if reasons else ""), *values])


def page(client: Workers) -> str:
    """Return the table of all cases, with what stdask really does and prints."""
    parts = [HEAD]
    for title, cases in CASES.items():
        parts.append(f"\n## {title}\n\n| what is wrong | what happens |\n|---|---|\n")
        for case in cases:
            with tempfile.TemporaryDirectory() as folder:
                if isinstance(case, Refused):
                    cell = refusal(message(case, Path(folder), client))
                else:
                    cell = account(case, *outcome(case, Path(folder), client))
            parts.append(f"| {case.what} | {cell} |\n")
    return "".join(parts)


def main() -> None:
    """Write the page."""
    with LocalCluster(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        config = ClusterConfig(kind="address", address=cluster.scheduler_address)
        with Workers(config) as client:
            PAGE.write_text(page(client))


if __name__ == "__main__":
    main()

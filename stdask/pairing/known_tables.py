"""The tables of stars that `[evaluate]` names, opened before any stage works, so that their faults are told at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.run import Run
from stdask.config.stages import BenchmarkStars, KnownStars
from stdask.config.survey import SurveyDefinition
from stdask.errors import StdaskError, SurveyError
from stdask.pairing.known_stars import read_known_stars
from stdask.pairing.members import read_members
from stdask.storage.tables import to_numpy


def read_benchmark(path: Path, config: BenchmarkStars) -> pa.Table:
    """Read a table of benchmark stars.

    Parameters
    ----------
    path, config
        The table, and what its columns are called.

    Raises
    ------
    CatalogueError, SurveyError
        As `read_known_stars`; and if no star has a reference value.
    """
    labels = [*config.labels.values()]
    texts = {"name": [config.name]} if config.name else {}
    table = read_known_stars(path, config, texts, {"labels": labels, "errors": [*config.errors.values()]})
    if not any(np.isfinite(to_numpy(table, name)).any() for name in labels):
        raise SurveyError(f"{path}: no row has a number in {', '.join(labels)}. Name other columns in `labels`.")
    return table


def check_known_stars(run: Run) -> None:
    """Read the tables of the run of one survey.

    Raises
    ------
    CatalogueError, SurveyError
        If one cannot be used; and if the survey has nothing by which its stars could be found.
    """
    clusters, benchmark = run.config.evaluate.clusters, run.config.evaluate.benchmark
    if clusters:
        with _naming("clusters"):
            path = run.data_dir / clusters.file
            _require_a_way(path, clusters, read_members(path, clusters).table, run.definition_a)
    if benchmark:
        with _naming("benchmark"):
            path = run.data_dir / benchmark.file
            _require_a_way(path, benchmark, read_benchmark(path, benchmark), run.definition_a)


@contextmanager
def _naming(key: str) -> Iterator[None]:
    try:
        yield
    except StdaskError as exc:
        exc.add_note(f"[evaluate] {key}")
        raise


def _require_a_way(path: Path, known: KnownStars, table: pa.Table, a: SurveyDefinition) -> None:
    """Raise if no star of a table could be found in A."""
    has_gaia = any(column.name == schema.SOURCE_ID.name for column in a.catalogue_columns)
    if not (known.id_a or known.ra in table.column_names or has_gaia):
        raise SurveyError(
            f"{path}: its stars have Gaia source_ids alone, and those of {a.name} have none (`gaia_id` of its "
            "definition). Name columns of positions too, `ra` and `dec`."
        )

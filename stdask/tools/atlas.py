"""The atlas of a table in memory or of a file, from Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from stdask.cluster.workers import Workers
from stdask.config.addresses import is_address
from stdask.config.atlas import AtlasFile
from stdask.config.toml import local_path, validate
from stdask.display.console import say
from stdask.errors import ConfigError
from stdask.runs.folder import RunFolder
from stdask.runs.session import session
from stdask.stages.atlas.table import USUAL, run_table
from stdask.stages.report import own_table as report
from stdask.storage import paths
from stdask.storage.memory_tables import AnyTable, MemoryTable
from stdask.storage.tables import write_parquet

PLACES = ("ra", "dec", "distance")
TABLE = "stars.parquet"  # the columns of a table in memory that were drawn


def draw_atlas(
    table: AnyTable | Path | str,
    output: Path | str,
    columns: Mapping[str, str] | None = None,
    *,
    survey: str | None = None,
    reference: str | None = None,
    seed: int = 7,
    workers: int | None = None,
    allow_remote: bool = False,
    **atlas: Any,
) -> RunFolder:
    """Draw maps and profiles of a table, and fit gradients; the same call again only opens the results.

    Parameters
    ----------
    table
        An astropy Table or QTable, a pandas DataFrame, a pyarrow Table, or the path of a file, of a folder of files, or
        of a HATS catalogue. Of a catalogue in memory, give what its `to_arrow` returns.
    output
        Folder of the results.
    columns
        Names of its columns where they are not the usual ones, e.g. `{"ra": "RAJ2000", "FE_H": "feh", "FE_H_ERR":
        "e_feh"}`. Keys are `ra`, `dec`, `distance`, labels, their errors `{LABEL}_ERR`, and `{LABEL}_RAW`: the label
        before translation.
    survey, reference
        Column that names the survey of each star, and the survey that is also drawn alone.
    seed
        Seed of all random numbers.
    workers
        Number of worker processes. Default: none, the work is done in this process.
    allow_remote
        The table may be an address (`https://`, `s3://`).
    **atlas
        Keys of the table `[atlas]` of a run file, e.g. `select={"LOGG": (1.5, 2.5)}` or `labels=("FE_H",)`.

    Returns
    -------
    results
        Tables, among them the maps; and paths of figures.

    Raises
    ------
    ConfigError
        If a key is unknown or a value impossible.
    SurveyError
        If a column is missing or has another unit.

    Examples
    --------
    >>> import stdask
    >>> results = stdask.draw_atlas("mine.fits", "maps", {"FE_H": "feh"}, select={})  # doctest: +SKIP
    >>> results.table("gradients")  # doctest: +SKIP
    >>> results.figures["map_edge_on"]  # doctest: +SKIP
    """
    own = dict(columns or {})
    folder = local_path(output).absolute()
    described = {
        **{place: own.pop(place) for place in PLACES if place in own},
        "errors": {name.removesuffix("_ERR"): own.pop(name) for name in list(own) if name.endswith("_ERR")},
        "untranslated": {name.removesuffix("_RAW"): own.pop(name) for name in list(own) if name.endswith("_RAW")},
        "columns": own,
        "survey": survey,
        "reference": reference,
        "file": folder / TABLE,
    }
    if isinstance(table, str | Path):
        described["file"] = table if is_address(table) else local_path(table).absolute()
    cluster = {"workers": workers} if workers else {}
    content = {"output": folder, "seed": seed, "table": described, "atlas": atlas, "cluster": cluster}
    settings = validate(AtlasFile, content, "draw_atlas", ConfigError)
    with session(folder, settings.cluster, in_process=not workers) as own_workers:
        if not isinstance(table, str | Path):
            _store(table, folder / TABLE, [*(columns or {}).values(), *([survey] if survey else [])])
        atlas_of_table(settings, own_workers, allow_remote)
    return RunFolder(folder)


def atlas_of_table(settings: AtlasFile, workers: Workers, allow_remote: bool = False) -> None:
    """Draw the atlas of a table, and write its report: one page with every map, profile and table.

    Parameters
    ----------
    settings, workers
        The atlas file, and who does the work.
    allow_remote
        The table may be an address.
    """
    receipt = run_table(settings, workers, allow_remote)
    if receipt.counts.rows.n_out:
        report.run_table(settings, receipt)
        say(f"Open {paths.report(settings.output)} in a browser.")


def _store(table: Any, path: Path, named: list[str]) -> None:
    """Write the columns of a table that an atlas may read, with their units; the same table gives the same bytes."""
    given = MemoryTable(table)
    usual = {name for names in USUAL.values() for name in names}
    wanted = [name for name in given.names if name in named or name.lower() in usual]
    read = given.read([*wanted, *(name for name in named if name not in wanted and name in given.columns)])
    fields = [field.with_metadata({"unit": given.unit(field.name)}) for field in read.schema]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(path, read.cast(pa.schema(fields)))

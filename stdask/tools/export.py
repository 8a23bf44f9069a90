"""Export: a catalogue as one file, for people and programs that want one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stdask.config.checks.texts import one_line
from stdask.display.console import say
from stdask.errors import CatalogueError, ConfigError
from stdask.schema.published import published_columns
from stdask.science.measurements.expressions import parse_expression
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import PROPERTIES, Catalogue, open_catalogue, read_properties
from stdask.storage.export import README, write_cds_export, write_export


def export(
    folder: Path,
    path: Path,
    columns: Sequence[str] = (),
    published: bool = False,
    where: str | None = None,
    cds: bool = False,
    overwrite: bool = False,
) -> None:
    """Write rows and columns of a catalogue to one file, or as the CDS takes them.

    Parameters
    ----------
    folder, path
        The catalogue, and the file, whose ending decides the format.
    columns
        Names of columns, or several names with commas between them; all columns by default.
    published
        Whether to write the columns of Table A.1 of Thomas et al. 2024, and `columns` after them.
    where
        Condition on the rows; all rows by default.
    cds
        Whether to write a table of fixed width, and the file `ReadMe` next to it.
    overwrite
        Whether files that exist are replaced.

    Raises
    ------
    CatalogueError
        If the catalogue is not finished or lacks a column, or the file exists and must not be replaced.
    ConfigError
        If the ending is of no known format, or the catalogue has no published columns.
    ExpressionError
        If the condition cannot be read or does not fit the columns, or no row fulfils it.
    """
    catalogue = open_catalogue(folder)
    files = [path, path.with_name(README)] if cds else [path]
    for file in files:
        if file.exists() and not overwrite:
            raise CatalogueError(f"{file} exists. Choose another {'folder' if cds else 'name'} or add --overwrite.")
    names = [name.strip() for text in columns for name in text.split(",") if name.strip()]
    if columns and not names:
        raise ConfigError("--columns names no column.")
    if published:
        table_a1 = published_columns(catalogue.columns)
        names = [*table_a1, *(name for name in names if name not in table_a1)]
    condition = None if where is None else parse_expression(where)
    provenance = provenance_of(catalogue) | ({"where": one_line(condition.text)} if condition else {})
    write = write_cds_export if cds else write_export
    n_rows = write(path, catalogue, names or None, condition, provenance)
    say(f"{' and '.join(map(str, files))}: {n_rows:,} rows, {len(names or catalogue.columns)} columns")
    if cds:
        say("Fill in the words in capitals in ReadMe: authors, journal, abstract.")


def provenance_of(catalogue: Catalogue) -> dict[str, str]:
    """Return where a catalogue comes from: its title, the references of its surveys, and the key of its stage."""
    own = read_properties(catalogue.folder)
    surveys = _surveys(catalogue, own)
    titles = " and ".join(survey["obs_title"] for survey in surveys if survey.get("obs_title"))
    provenance = {
        "title": own.get("obs_title") or own.get("stdask_title") or (titles and f"{catalogue.name}: {titles}"),
        "reference": own.get("stdask_reference") or "; ".join(survey["bib_reference"] for survey in surveys),
        "stage_key": own.get("stdask_key", ""),
    }
    return {name: text for name, text in provenance.items() if text}


def _surveys(catalogue: Catalogue, own: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the properties of the surveys of a catalogue: its own, or those of the catalogues next to it in a run."""
    if "bib_reference" in own:
        return [dict(own)]
    folder = catalogue.folder.resolve()
    if folder != paths.catalogue(folder.parent.parent, folder.name):
        return []  # not in a run: folders next to it are something else
    neighbours = [path.parent for path in sorted(folder.parent.glob(f"*/{PROPERTIES}"))]
    if source := own.get("stdask_source"):
        wanted = [source, catalogue.name.removeprefix(paths.translated_name(source, ""))]
        neighbours = [survey for name in wanted for survey in neighbours if survey.name == name]
    return [survey for survey in map(read_properties, neighbours) if survey.get("bib_reference")]

"""The files of a survey: their formats, how several tables of a survey are joined, and where a run finds them."""

from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator

from stdask.config.addresses import Place
from stdask.config.toml import InnerPath, TomlModel

README = "ReadMe"  # describes the columns of the tables of CDS in its folder
MAIN = "main"  # name of the table that has the id and the position of each star
Format = Literal["fits", "parquet", "csv", "ecsv", "votable", "hdf5", "feather", "mrt", "cds"]
TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class FileHints(TomlModel):
    """The format of the survey file. Needed only if stdask cannot tell it from the file."""

    format: Format | None = None
    """Format of the file. Default: recognised from its first bytes and its name. Needed only for text whose name does
    not tell it: where the bytes tell another format, that one is read."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Character between the values of a text file: `","`, `"|"`, `";"`, `"\\t"`, or `" "` for any number of blanks.
    Default: found from the first lines."""
    null: tuple[str, ...] = ()
    """Further texts that stand for a missing value in a text file, e.g. `["-99.9", "..."]`. These always do: nothing at
    all, `null`, `NULL`, `NA`, `N/A`, `None`, `--`, `\\N` and `<NA>`."""
    hdus: tuple[str, ...] = ()
    """Tables of a FITS or HDF5 file, each by its name, in FITS also by its number (`"2"` is the second extension).
    Default: the first table of FITS, and the only one of HDF5. Of several tables, row n of each belongs to the same
    star, and columns are named `TABLE.COLUMN`."""
    readme: InnerPath | None = None
    """File `ReadMe` that describes the columns of a table of CDS. Default: `ReadMe` in the folder of the table."""
    units: dict[str, str] = Field(default_factory=dict)
    """Units of columns for which the file states a wrong one or one that is unknown, e.g. `{ logg = "dex" }`. The unit
    of a file takes precedence over `unit` of a label; these take precedence over the file."""


class TableFile(FileHints):
    """A file of a survey, and its format where that differs from `[file]` of the survey definition.

    Needed only to state a format: a path alone is enough otherwise.
    """

    path: Place
    """File, folder or pattern, relative to `--data-dir`, or an address."""

    @property
    def name(self) -> str:
        """Its name without folders."""
        return PurePath(self.path).name

    def hints(self, of_definition: FileHints) -> FileHints:
        """Return the format that a definition states, with what is stated here instead."""
        stated = {key: getattr(self, key) for key in self.model_fields_set - {"path"}}
        return of_definition.model_copy(update=stated)


def _as_table(value: Any) -> Any:
    return {"path": value} if isinstance(value, str | Path) else value


# "gaia.fits", or { path = "gaia.csv", delimiter = ";" }
StatedFile = Annotated[TableFile, BeforeValidator(_as_table, json_schema_input_type=str | TableFile)]


class NamedFile(NamedTuple):
    """A file of a survey as a run finds it."""

    path: Path
    hints: FileHints


class Download(TomlModel):
    """A file of the survey, and where to fetch it. Write this table once for each file."""

    table: TableName = MAIN
    """Table that the file holds: `main`, or as `[[join]]` calls it."""
    file: str
    """Name of the file, or a pattern of names."""
    address: str
    """Web address of its folder, or of the page or the archive that has it."""


class Join(TomlModel):
    """A further table of the survey, joined to the main one. Its columns are named `NAME.COLUMN`.

    Every row of the main table is kept. Where the further table has no row for it, the columns of that table are
    missing. A run names the file of each table: `files = { main = "stars.fits", gaia = "gaia.fits" }`. Where a run
    names no file for a table, its columns are looked for in the main table under their own names: a single file may
    have the columns of all tables. Write this table once for each further table.
    """

    name: TableName
    """Name of the table, which stands before the names of its columns, and names its file in the run file."""
    by: Literal["key", "row", "position"] = "key"
    """How rows belong together. `key`: both tables have the same value in a column. `row`: row n of both tables is the
    same star, and they have equally many rows. `position`: the nearest on the sky, within `radius_arcsec`."""
    on: str = ""
    """Column of the key in the main table, or in a table joined before it (`NAME.COLUMN`)."""
    key: str = ""
    """Column of the key in this table. Default: the same name as `on`."""
    ra: str = "ra"
    """Column of the right ascension in this table, in degrees, if `by` is `position`."""
    dec: str = "dec"
    """Column of the declination in this table, in degrees, if `by` is `position`."""
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)
    """Largest separation of rows that are joined by position, in arcseconds."""
    repeats: Literal["error", "first"] = "error"
    """What to do if several rows of this table have one key. `error`: stop, and name the key. `first`: take the first
    one."""
    file: FileHints = FileHints()
    """Format of the file of this table. Needed only if stdask cannot tell it from the file."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.name == MAIN:
            raise ValueError(
                f"the name {MAIN!r} is that of the table with the ids and positions. Choose another `name`"
            )
        if (self.by == "key") != bool(self.on):
            raise ValueError(f"a join by {self.by} {'needs' if self.by == 'key' else 'takes no'} `on`")
        return self

    @property
    def key_column(self) -> str:
        """The column of the key in the further table."""
        return self.key or self.on.rpartition(".")[2]

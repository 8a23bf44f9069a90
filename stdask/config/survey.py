"""What a survey calls its columns and which of its rows are good: `stdask/surveys/*.toml` or a user's own."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from stdask import schema
from stdask.config.toml import InnerPath, TomlModel, load_toml, validate
from stdask.errors import SurveyError

SHIPPED = Path(__file__).parents[1] / "surveys"
SENTINELS = (-9999.0, -999.0, 999999.0, 99999.0)  # written for "missing" by SDSS, LAMOST, GALAH and others


class FileHints(TomlModel):
    """`[file]`: what the file itself does not tell."""

    format: Literal["fits", "parquet", "csv", "ecsv", "votable"] | None = None  # none: by its first bytes and its name
    delimiter: str = Field(default=",", min_length=1, max_length=1)  # between the values of a CSV file
    # tables of a FITS file by name, or "2" for the second after the primary header, the first one if empty; of several,
    # row n of each is one star, and a column is called TABLE.COLUMN
    hdus: tuple[str, ...] = ()


class Term(TomlModel):
    """One condition on one column; `any_of` holds alternatives, of which one must hold."""

    column: str = ""  # of the file
    op: Literal[">", ">=", "<", "<=", "=", "!=", "in", "bits_clear", "bits_set", "is_null", "not_null"] = "not_null"
    # of bits_clear and bits_set: bit numbers counted from 0, e.g. [19, 20, 23]; blank text is null
    value: float | int | str | bool | list[float | int | str] | None = None
    any_of: tuple["Term", ...] = ()  # instead of the three above: conditions of which one must hold
    reason: str = ""  # shown in the table of cuts; the condition itself if empty

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.column) == bool(self.any_of):
            raise ValueError("a cut needs either `column` or `any_of`")
        takes_none = self.op in ("is_null", "not_null")
        if self.column and (self.value is None) != takes_none:
            raise ValueError(f"a cut with op {self.op!r} {'takes no' if takes_none else 'needs a'} `value`")
        if self.value == "":
            raise ValueError('blank text counts as missing: use op = "is_null" or "not_null"')
        if self.op in ("bits_clear", "bits_set") and not _are_bits(self.value):
            raise ValueError(f"op {self.op!r} needs bit numbers from 0 to 62, e.g. value = [19, 23]")
        return self

    @property
    def text(self) -> str:
        """The condition in words, for tables and rejected rows."""
        if self.reason:
            return self.reason
        if self.any_of:
            return " or ".join(term.text for term in self.any_of)
        return f"{self.column} {self.op}" + ("" if self.value is None else f" {self.value}")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the survey file that the term reads."""
        return (self.column,) if self.column else tuple(c for term in self.any_of for c in term.columns)


class Label(TomlModel):
    """A measured quantity: its column, unit and errors in the survey file."""

    column: str  # of the file
    unit: str = ""  # of the column, where the file states none; converted to the unit of the quantity
    error: str | None = None  # column of 1-sigma errors
    typical_error: float | None = Field(default=None, gt=0)  # used where the column has none
    error_floor: float = Field(default=0.0, ge=0)  # smaller errors are raised to it
    valid: tuple[float, float] | None = None  # values outside become missing, counted; unit of the quantity
    good: tuple[Term, ...] = ()  # where one fails, the value becomes missing, counted; the star stays GOOD
    description: str = ""  # where the quantity is none that stdask knows
    reference: str = ""  # where the column is defined


class Position(TomlModel):
    """Columns of the position, degrees."""

    ra: str = "ra"  # column
    dec: str = "dec"  # column
    epoch: float = 2000.0  # Julian year


class ProperMotion(TomlModel):
    """Columns of the proper motion, that in right ascension times cos(dec), as in Gaia."""

    pmra: str  # column
    pmdec: str  # column
    unit: str = "mas/yr"  # of the columns, where the file states none
    pmra_error: str | None = None  # column
    pmdec_error: str | None = None  # column


class Photometry(TomlModel):
    """Gaia magnitudes and reddening."""

    g: str  # column
    bp: str  # column
    rp: str  # column
    g_error: str | None = None  # column
    bp_error: str | None = None  # column
    rp_error: str | None = None  # column
    typical_error: float | None = Field(default=None, gt=0)  # mag, where there is no error column
    ebv: str | None = None  # column of E(B-V)


class Distance(TomlModel):
    """One distance estimate; the first of `[[distances]]` that a star has is taken."""

    column: str  # of the file
    unit: str = "kpc"  # of the column, where the file states none
    error: str | None = None  # column of 1-sigma errors
    error_low: str | None = None  # with error_high: the error is half of their sum
    error_high: str | None = None  # column
    percentile_16: str | None = None  # with percentile_84: the error is half of their difference
    percentile_84: str | None = None  # column
    accept: tuple[Term, ...] = ()  # conditions it must fulfil, e.g. StarHorse output flags empty
    reference: str = ""  # to be cited

    @model_validator(mode="after")
    def _errors_are_pairs(self) -> Self:
        if (self.error_low is None) != (self.error_high is None):
            raise ValueError("`error_low` goes with `error_high`, and only with it")
        if (self.percentile_16 is None) != (self.percentile_84 is None):
            raise ValueError("`percentile_16` goes with `percentile_84`, and only with it")
        if sum(map(bool, (self.error, self.error_low, self.percentile_16))) > 1:
            raise ValueError("give one of `error`, `error_low` and `error_high`, or the two percentiles")
        return self


class Duplicates(TomlModel):
    """Which of the rows of one star is kept."""

    by: str  # column that names the star
    best: str  # column to compare
    keep: Literal["highest", "lowest"] = "highest"  # value in it stays
    # errors of labels that come from a column are multiplied by how far GOOD rows of one star differ in units of them,
    # a factor for each range of `best`
    rescale_errors: bool = False

    @model_serializer(mode="wrap")
    def _as_ever_without_rescaling(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the option out where it is off: catalogues made before there was one are not made again."""
        content: dict[str, Any] = serialize(self)
        return {key: value for key, value in content.items() if key != "rescale_errors" or value}


class SurveyDefinition(TomlModel):
    """One survey and release."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")  # of its catalogue: small letters, digits and _
    title: str  # in figures and tables
    reference: str  # to be cited
    notes: str = ""  # which file of the survey, and what is uncertain
    draft: bool = False  # its columns were not checked against a file or a published data model
    file: FileHints = FileHints()
    sentinels: tuple[float, ...] = SENTINELS  # numbers that stand for "missing"
    id: str  # column of the survey's own identifier, kept under its own name
    gaia_id: str | None = None  # column of the Gaia source_id
    ebv: str | None = None  # column of E(B-V), where there is no photometry
    # HEALPix FITS map of E(B-V), relative to --data-dir, instead of a column; on the scale of Schlegel et al. 1998
    ebv_map: InnerPath | None = None
    position: Position = Position()
    labels: dict[str, Label]
    photometry: Photometry | None = None
    proper_motion: ProperMotion | None = None
    distances: tuple[Distance, ...] = ()
    cuts: tuple[Term, ...] = ()  # a star that passes all of them is GOOD
    duplicates: Duplicates | None = None
    keep: tuple[str, ...] = ()  # further columns carried along unchanged

    @model_validator(mode="after")
    def _labels_are_names(self) -> Self:
        if self.name == "merged" or "_on_" in self.name:
            raise ValueError(f"the name {self.name!r} is one that stdask gives to catalogues of its own")
        for name in self.labels:
            if not name.isidentifier() or name != name.upper():
                raise ValueError(f"label {name!r} must be upper case letters, digits and _, e.g. FE_H")
        return self

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        ours = [schema.HEALPIX.name, *(column.name for column in self.catalogue_columns)]
        for name in (self.id, *self.keep):
            if name in ours and name != schema.SOURCE_ID.name:
                raise ValueError(f"the catalogue has its own column {name!r}: take it out of `keep` or `id`")
        if len({self.id, *self.keep}) <= len(self.keep):
            raise ValueError("a column stands twice in `keep`, or is also the `id`: name it once")
        return self

    @model_validator(mode="after")
    def _errors_can_be_rescaled(self) -> Self:
        if self.duplicates and self.duplicates.rescale_errors and not self.rescaled_labels:
            raise ValueError(
                "duplicates.rescale_errors is set, but no label has a column of errors to rescale: give a label its "
                "`error`, or take rescale_errors out"
            )
        return self

    @property
    def rescaled_labels(self) -> dict[str, Label]:
        """The labels whose stated errors are rescaled from repeat visits; none without that option."""
        if self.duplicates is None or not self.duplicates.rescale_errors:
            return {}
        return {name: label for name, label in self.labels.items() if label.error}

    @property
    def catalogue_columns(self) -> tuple[schema.Column, ...]:
        """The columns of the ingested catalogue beside the id and the `keep` columns."""
        gaia = (schema.SOURCE_ID,) if self.gaia_id and self.id != schema.SOURCE_ID.name else ()
        labels = [c for name, label in self.labels.items() for c in schema.measured_columns(name, label.unit)]
        photometry = (
            schema.photometric_columns() if self.photometry else (schema.EBV,) if self.ebv or self.ebv_map else ()
        )
        distance = schema.DISTANCE if self.distances else ()
        motion = schema.PROPER_MOTION if self.proper_motion else ()
        return (*gaia, schema.STAR_KEY, *schema.POSITION, *labels, *photometry, *distance, *motion, schema.GOOD)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns of the survey file that ingest reads, each once."""
        names: list[str | None] = [self.id, self.gaia_id, self.ebv, self.position.ra, self.position.dec]
        for label in self.labels.values():
            names += [label.column, label.error]
            names += [c for term in label.good for c in term.columns]
        if self.photometry:
            names += [v for k, v in self.photometry.model_dump().items() if k != "typical_error"]
        if self.proper_motion:
            names += [v for k, v in self.proper_motion.model_dump().items() if k != "unit"]
        for distance in self.distances:
            names += [distance.column, distance.error, distance.error_low, distance.error_high]
            names += [distance.percentile_16, distance.percentile_84]
            names += [c for term in distance.accept for c in term.columns]
        names += [c for term in self.cuts for c in term.columns]
        if self.duplicates:
            names += [self.duplicates.by, self.duplicates.best]
        return tuple(dict.fromkeys(name for name in (*names, *self.keep) if name))


def _are_bits(value: object) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= 62 for n in numbers)


def shipped_names() -> list[str]:
    """Return the names of the survey definitions that come with stdask."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_definition(name: str, base: Path = Path()) -> SurveyDefinition:
    """Return a shipped definition by name, or a user's own by path (relative to `base`).

    Raises
    ------
    SurveyError
        If there is no such definition, or it is not valid.
    """
    path = base / name if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    if not path.exists() and not name.endswith(".toml"):
        raise SurveyError(
            f"No survey definition {name!r}. Shipped: {', '.join(shipped_names())}; "
            "or give the path of your own, ending in .toml."
        )
    content: dict[str, Any] = load_toml(path, SurveyError)
    return validate(SurveyDefinition, content, f"Survey definition {path.name}", SurveyError)

"""The tables inside a survey definition: its columns, and conditions on them."""

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from stdask import schema
from stdask.config.checks.texts import Line
from stdask.config.toml import TomlModel

BAND_NAME = re.compile(r"[A-Z][A-Z0-9]*")


class Term(TomlModel):
    """A condition on one column of the survey file, or several of which one must hold.

    A missing value fails every condition except `is_null`. Numbers of `sentinels` are missing values, also in a column
    of flags, unless the condition itself asks for them with `=` or `in`.
    """

    column: str = ""
    """Column of the survey file, or an expression of columns. `value` is in its unit."""
    op: Literal[">", ">=", "<", "<=", "=", "!=", "in", "bits_clear", "bits_set", "is_null", "not_null"] = "not_null"
    """Comparison of the column with `value`. `in`: one of a list. `bits_clear`, `bits_set`: all these bits of an
    integer are 0, or are 1. `is_null`, `not_null`: the value is missing, or is not; blank text counts as missing."""
    value: float | int | str | bool | list[float | int | str] | None = None
    """What the column is compared with. For `bits_clear` and `bits_set` a list of bit numbers, counted from 0, e.g.
    `[19, 20, 23]`."""
    any_of: tuple["Term", ...] = ()
    """Conditions of which at least one must hold. Replaces `column`, `op` and `value`."""
    reason: Line = ""
    """Text for the table of cuts and for rejected rows. Default: the condition itself."""

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
    """A quantity that the survey measures: its column, unit and errors in the survey file.

    NAME is how stdask calls the quantity. These names have a known unit and meaning: TEFF, LOGG, FE_H, M_H, MG_FE,
    ALPHA_FE, RV, VHELIO. Any other name in capital letters can be used with a `unit` and a `description`.
    """

    column: str
    """Column of the survey file, or an expression of columns such as "mg_h - fe_h"."""
    unit: str = ""
    """Unit of the column, used if the file states none. Values are converted to the unit that stdask uses for NAME."""
    error: str | None = None
    """Column of the 1-sigma errors, or an expression of columns."""
    percentile_16: str | None = None
    """Column of the 16th percentile. The error is half of the difference of the two percentiles. Give `error` or the
    two percentiles."""
    percentile_84: str | None = None
    """Column of the 84th percentile."""
    typical_error: float | None = Field(default=None, gt=0)
    """Error of stars without one, in the unit of the catalogue. A star without any error is translated without noise in
    this quantity, flagged, and not merged; a run in which no star has an error of an input stops in pair."""
    error_floor: float = Field(default=0.0, ge=0)
    """Smallest error, in the unit of the catalogue. Smaller errors are raised to it."""
    valid: tuple[float, float] | None = None
    """Lowest and highest value that is possible, in the unit of the catalogue. Values outside become missing."""
    good: tuple[Term, ...] = ()
    """Conditions for this quantity. Where one fails, the value becomes missing but the star stays GOOD."""
    description: Line = ""
    """Meaning of the quantity. Needed only for names that stdask does not know."""
    reference: Line = ""
    """Where the column is defined: a paper or a data model."""

    @model_validator(mode="after")
    def _has_one_kind_of_error(self) -> Self:
        _check_pair(self, "percentile_16", "percentile_84")
        if self.error and self.percentile_16:
            raise ValueError("give one kind of error: `error`, or the two percentiles")
        return self

    @property
    def error_columns(self) -> tuple[str, ...]:
        """The columns that the error follows from, none where the survey states no errors."""
        return tuple(name for name in (self.error, self.percentile_16, self.percentile_84) if name)


class Position(TomlModel):
    """Columns of the position: right ascension and declination, ICRS."""

    ra: str = "ra"
    """Column of the right ascension."""
    dec: str = "dec"
    """Column of the declination."""
    unit: Literal["deg", "hourangle", "rad"] = "deg"
    """Unit of the columns, used if the file states none. `hourangle`: the right ascension is in hours, the declination
    in degrees. Text such as `17 20 07.4` is not read: convert it to degrees first."""
    epoch: float = 2000.0
    """Epoch of the positions, a Julian year. Stars with proper motions are moved to the epoch of the other survey
    before they are matched by position."""

    @property
    def units(self) -> tuple[str, str]:
        """The units of the two columns where the file states none or an unknown one; empty for none."""
        if "unit" not in self.model_fields_set:
            return "", ""
        return self.unit, "deg" if self.unit == "hourangle" else self.unit


class ProperMotion(TomlModel):
    """Columns of the proper motion. That in right ascension includes the factor cos(dec), as in Gaia."""

    pmra: str
    """Column of the proper motion in right ascension, times cos(dec)."""
    pmdec: str
    """Column of the proper motion in declination."""
    unit: str = "mas/yr"
    """Unit of the columns, used if the file states none."""
    pmra_error: str | None = None
    """Column of the 1-sigma error of `pmra`."""
    pmdec_error: str | None = None
    """Column of the 1-sigma error of `pmdec`."""


class Band(TomlModel):
    """Columns of the magnitude of a further band, e.g. `[photometry.bands.KS]`.

    NAME is how stdask calls the band, in capital letters and digits. The extinction of these bands is known: B, V
    (Johnson), J, H, KS (2MASS), W1, W2 (WISE).
    """

    column: str
    """Column of the magnitude."""
    error: str | None = None
    """Column of the 1-sigma error."""
    extinction: Annotated[float, Field(ge=0)] | str | None = None
    """Extinction of the band: in units of E(B-V) on the scale of Schlegel et al. 1998, e.g. `0.31`, or a column of the
    extinction itself in magnitudes, e.g. `"AK_TARG"`. Default: that of a known band, from Schlafly & Finkbeiner 2011,
    Table 6, R_V = 3.1. `0` if the magnitudes are free of extinction."""


class Photometry(TomlModel):
    """Columns of magnitudes and of the reddening: the three Gaia bands, or some of them, and any others.

    Dereddened colours and absolute magnitudes follow from them. They can be used as `[train] features`: BP_G_0 is the
    colour BP - G, J_KS_0 the colour J - Ks, M_G the absolute magnitude in G, which needs a distance or a parallax.
    `stdask survey show` lists those that a survey has.
    """

    g: str | None = None
    """Column of the Gaia G magnitude."""
    bp: str | None = None
    """Column of the Gaia BP magnitude."""
    rp: str | None = None
    """Column of the Gaia RP magnitude."""
    g_error: str | None = None
    """Column of the 1-sigma error of G."""
    bp_error: str | None = None
    """Column of the 1-sigma error of BP."""
    rp_error: str | None = None
    """Column of the 1-sigma error of RP."""
    bands: dict[str, Band] = Field(default_factory=dict)
    """Magnitudes in further bands."""
    unit: str = "mag"
    """Unit of the magnitudes and extinctions, used if the file states none."""
    typical_error: float | None = Field(default=None, gt=0)
    """Error of magnitudes without one, in magnitudes."""
    ebv: str | None = None
    """Column of the reddening E(B-V), in magnitudes, on the scale of Schlegel et al. 1998."""

    @model_validator(mode="after")
    def _bands_are_complete(self) -> Self:
        for key in map(str.lower, schema.GAIA):
            if getattr(self, f"{key}_error") and not getattr(self, key):
                raise ValueError(f"`{key}_error` is the error of `{key}`. Add `{key}`, the column of the magnitude")
        if not self.magnitudes:
            raise ValueError("there is no magnitude. Add `g`, `bp` and `rp`, or [photometry.bands.NAME]")
        for name, band in self.bands.items():
            if not BAND_NAME.fullmatch(name):
                raise ValueError(f"the band {name!r} must be written in capital letters and digits, e.g. KS")
            if name in schema.GAIA:
                raise ValueError(f"the band {name!r} is one of Gaia: name its column as `{name.lower()}`")
            if band.extinction is None and name not in schema.BANDS:
                known = ", ".join(own for own in schema.BANDS if own not in schema.GAIA)
                raise ValueError(
                    f"the extinction of the band {name!r} is not known. Set bands.{name}.extinction, in units of "
                    f"E(B-V); it is known for {known}"
                )
        return self

    @property
    def magnitudes(self) -> dict[str, Band]:
        """The columns of each band, by its name: those of Gaia first."""
        keys = [(name, name.lower()) for name in schema.GAIA]
        gaia = {
            name: Band(column=getattr(self, key), error=getattr(self, f"{key}_error"))
            for name, key in keys
            if getattr(self, key)
        }
        return gaia | self.bands

    @property
    def stated_extinctions(self) -> dict[str, str]:
        """The columns of the extinctions that the survey states, by the name of the band."""
        return {name: band.extinction for name, band in self.bands.items() if isinstance(band.extinction, str)}

    def is_reddened(self, band: str) -> bool:
        """Tell whether the extinction of a band follows from E(B-V)."""
        return self.magnitudes[band].extinction != 0 and band not in self.stated_extinctions

    def only(self, bands: Collection[str]) -> "Photometry | None":
        """Return the photometry in some bands, None if there are none of them."""
        further = {name: band for name, band in self.bands.items() if name in bands}
        without = {name.lower() for name in schema.GAIA if name not in bands}
        gaia = {key: None for own in without for key in (own, f"{own}_error")}
        kept = self.model_copy(update={**gaia, "bands": further})
        return kept if kept.magnitudes else None


class Parallax(TomlModel):
    """Columns of the parallax. Absolute magnitudes are made from it; without it, from the distance.

    A parallax that is not positive, or is below five times its error, is no distance: the absolute magnitudes of the
    star are then missing.
    """

    column: str
    """Column of the parallax."""
    unit: str = "mas"
    """Unit of the columns, used if the file states none."""
    error: str | None = None
    """Column of the 1-sigma error."""


class Distance(TomlModel):
    """One estimate of the distance. If there are several, each star takes the first that it has.

    Give one kind of error: `error`, or `error_low` and `error_high`, or the two percentiles.
    """

    column: str
    """Column of the heliocentric distance, or an expression of columns such as "1 / (parallax + 0.017)"."""
    unit: str = "kpc"
    """Unit of the column, used if the file states none."""
    error: str | None = None
    """Column of the 1-sigma error."""
    error_low: str | None = None
    """Column of the lower error. The error is the mean of the lower and the upper one."""
    error_high: str | None = None
    """Column of the upper error."""
    percentile_16: str | None = None
    """Column of the 16th percentile. The error is half of the difference of the two percentiles."""
    percentile_84: str | None = None
    """Column of the 84th percentile."""
    accept: tuple[Term, ...] = ()
    """Conditions for this estimate, e.g. that the output flags of StarHorse are empty. Where one fails, the star takes
    the next estimate."""
    reference: Line = ""
    """Paper to cite for this estimate."""

    @property
    def error_columns(self) -> tuple[str, ...]:
        """The columns that its error follows from."""
        keys = (self.error, self.error_low, self.error_high, self.percentile_16, self.percentile_84)
        return tuple(key for key in keys if key)

    @model_validator(mode="after")
    def _errors_are_pairs(self) -> Self:
        _check_pair(self, "error_low", "error_high")
        _check_pair(self, "percentile_16", "percentile_84")
        if sum(map(bool, (self.error, self.error_low, self.percentile_16))) > 1:
            raise ValueError("give one kind of error: `error`, or `error_low` and `error_high`, or the two percentiles")
        return self


class Duplicates(TomlModel):
    """Which row is kept if a star has several, e.g. one for each visit. The other rows go to the rejected rows."""

    by: str
    """Column that identifies the star, e.g. its Gaia source_id."""
    best: str
    """Column by which the rows of a star are compared, e.g. the signal-to-noise ratio, or an expression of columns."""
    keep: Literal["highest", "lowest"] = "highest"
    """Keep the row with the highest or the lowest value of `best`."""
    rescale_errors: bool = False
    """Multiply the errors of all labels by a factor that makes them agree with the differences between repeat visits.
    Each range of `best` has a factor of its own."""

    @model_serializer(mode="wrap")
    def _as_ever_without_rescaling(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the option out where it is off: catalogues that were made before it existed stay valid."""
        content: dict[str, Any] = serialize(self)
        return {key: value for key, value in content.items() if key != "rescale_errors" or value}


def _check_pair(table: TomlModel, low: str, high: str) -> None:
    if (getattr(table, low) is None) != (getattr(table, high) is None):
        raise ValueError(f"give `{low}` and `{high}` together, or none of them")


def _are_bits(value: object) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= 62 for n in numbers)

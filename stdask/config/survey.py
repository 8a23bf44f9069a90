"""What a survey calls its columns and which of its rows are good: `stdask/surveys/*.toml` or a user's own."""

import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from stdask import schema
from stdask.config.checks.names import collision
from stdask.config.checks.texts import Line, Title
from stdask.config.derived import lacking_columns
from stdask.config.survey_elements import Elements
from stdask.config.survey_files import Download, FileHints, Join
from stdask.config.survey_tables import (
    Distance,
    Duplicates,
    Label,
    Parallax,
    Photometry,
    Position,
    ProperMotion,
    Term,
)
from stdask.config.toml import InnerPath, TomlModel, load_toml, local_path, validate
from stdask.errors import SurveyError

SHIPPED = Path(__file__).parents[1] / "surveys"
SENTINELS = (-9999.0, -999.0, 999999.0, 99999.0)  # written for "missing" by SDSS, LAMOST, GALAH and others
SurveyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # A folder has this name.


class SurveyDefinition(TomlModel):
    """One release of one survey: its columns, their units and errors, and which stars are good."""

    name: SurveyName
    """Name of the catalogue that is made from the survey: small letters, digits and `_`, starting with a letter."""
    title: Title
    """Name of the survey in figures and tables. Line breaks become blanks, here and in the other texts but `notes`."""
    reference: Line
    """Paper to cite for the survey."""
    notes: str = ""
    """Remarks: what the columns are, and which choices were made."""
    draft: bool = False
    """Some columns have not been checked against a file or a published data model."""
    data_model: str = Field(default="", exclude=True)
    """Published description of the columns: its address or title."""
    checked: str = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$", exclude=True)
    """Day on which the columns were compared with `data_model`, e.g. `"2026-11-30"`."""
    unchecked: tuple[str, ...] = Field(default=(), exclude=True)
    """What could not be checked, and what is uncertain."""
    download: tuple[Download, ...] = Field(default=(), exclude=True)
    """Files of the survey, and where to fetch them."""
    file: FileHints = FileHints()
    """Format of the survey file. Needed only if stdask cannot tell it from the file."""
    join: tuple[Join, ...] = ()
    """Further tables of the survey, joined to the main one."""
    sentinels: tuple[float, ...] = SENTINELS
    """Numbers that stand for a missing value, in labels and errors as in cuts and in expressions of columns."""
    id: str
    """Column of the identifier of the star in the survey. The catalogue keeps it under the same name."""
    gaia_id: str | None = None
    """Column of the Gaia source_id. The catalogue calls it SOURCE_ID. If the ids of the survey are those of Gaia, `id`
    and `gaia_id` name the same column."""
    ebv: str | None = None
    """Column of the reddening E(B-V), in magnitudes, on the scale of Schlegel et al. 1998, of a survey without
    `[photometry]`."""
    ebv_map: InnerPath | None = None
    """HEALPix FITS map of the reddening E(B-V), on the scale of Schlegel et al. 1998, relative to `--data-dir`. Used
    instead of a column."""
    position: Position = Position()
    """Columns of the position."""
    labels: dict[str, Label]
    """Quantities that the survey measures, each with its column, unit and errors."""
    elements: Elements | None = None
    """Abundances of many elements whose columns are named alike: a label for each of them."""
    photometry: Photometry | None = None
    """Columns of magnitudes and of the reddening."""
    parallax: Parallax | None = None
    """Columns of the parallax, for absolute magnitudes."""
    derived: tuple[str, ...] = ()
    """Dereddened colours and absolute magnitudes that the catalogue holds in addition to those that the networks read,
    e.g. `["BP_RP_0", "M_G"]`. The colours BP_G_0 and G_RP_0 are always there if the three Gaia magnitudes are."""
    proper_motion: ProperMotion | None = None
    """Columns of the proper motion."""
    distances: tuple[Distance, ...] = ()
    """Estimates of the distance. Each star takes the first one that it has."""
    cuts: tuple[Term, ...] = ()
    """Quality cuts. A star that passes all of them is GOOD; the others stay in the catalogue but are not used for
    training or maps."""
    duplicates: Duplicates | None = None
    """Which row is kept if a star has several."""
    keep: tuple[str, ...] = ()
    """Further columns of the survey file that the catalogue keeps unchanged. They cannot have the name of a column that
    stdask makes, such as TEFF of `[labels.TEFF]` or TEFF_PRED_50 of a translation; small and capital letters are the
    same, because FITS files do not tell them apart."""

    @model_validator(mode="after")
    def _with_labels_of_elements(self) -> Self:
        if self.elements is None:
            return self
        labels = self.labels | {n: label for n, label in self.elements.labels().items() if n not in self.labels}
        return self.model_copy(update={"labels": labels, "elements": None})

    @model_validator(mode="after")
    def _labels_are_names(self) -> Self:
        if self.name == "merged" or "_on_" in self.name or self.name.endswith("_collection"):
            raise ValueError(f"the name {self.name!r} is reserved for catalogues of stdask. Choose another `name`")
        for name in self.labels:
            if not name.isidentifier() or name != name.upper():
                raise ValueError(f"the label {name!r} must be written in capital letters, digits and _, e.g. FE_H")
        return self

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if text := collision(self):
            raise ValueError(text)
        return self

    @model_validator(mode="after")
    def _derived_quantities_are_known(self) -> Self:
        for name in self.derived:
            if schema.derived_quantity(name) is None:
                raise ValueError(f"`derived` names {name!r}, which is no colour or absolute magnitude. Write e.g. M_G")
            if lack := lacking_columns(name, self):
                raise ValueError(f"`derived`: {lack}")
        return self

    @model_validator(mode="after")
    def _tables_differ(self) -> Self:
        names = [join.name for join in self.join]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two tables to join are called {twice!r}. Give each its own `name`")
        for number, join in enumerate(self.join):
            table, dot, _ = join.on.partition(".")
            if dot and table in names[number:]:
                raise ValueError(
                    f"the table {join.name!r} is joined on {join.on!r}, a column of a table that is not joined before "
                    "it. Change the order of [[join]]"
                )
        return self

    @model_validator(mode="after")
    def _errors_can_be_rescaled(self) -> Self:
        if self.duplicates and self.duplicates.rescale_errors and not self.rescaled_labels:
            raise ValueError(
                "duplicates.rescale_errors is set, but no label has a column of errors. Give a label its `error`, or "
                "remove rescale_errors"
            )
        return self

    @property
    def units(self) -> dict[str, str]:
        """The unit of each label in the catalogue."""
        return {name: schema.quantity(name, label.unit).unit for name, label in self.labels.items()}

    @property
    def own_ebv(self) -> str | None:
        """The column of E(B-V) of the survey itself."""
        return (self.photometry and self.photometry.ebv) or self.ebv

    @property
    def rescaled_labels(self) -> dict[str, Label]:
        """The labels whose stated errors are rescaled from repeat visits; none without that option."""
        if self.duplicates is None or not self.duplicates.rescale_errors:
            return {}
        return {name: label for name, label in self.labels.items() if label.error_columns}

    @property
    def catalogue_columns(self) -> tuple[schema.Column, ...]:
        """The columns of the ingested catalogue, without the id and the `keep` columns."""
        gaia = (schema.SOURCE_ID,) if self.gaia_id and self.id != schema.SOURCE_ID.name else ()
        labels = [c for name, label in self.labels.items() for c in schema.measured_columns(name, label.unit)]
        photometry: tuple[schema.Column, ...] = (schema.EBV,) if self.ebv or self.ebv_map else ()
        if self.photometry:
            bands, stated = self.photometry.magnitudes, self.photometry.stated_extinctions
            photometry = schema.photometric_columns(bands, stated, self.derived_quantities)
        distance = schema.DISTANCE if self.distances else ()
        modulus = schema.DISTANCE_MODULUS if self.has_absolute_magnitudes else ()
        motion = schema.PROPER_MOTION if self.proper_motion else ()
        measured = (*labels, *photometry, *distance, *modulus, *motion)
        return (*gaia, schema.STAR_KEY, *schema.POSITION, *measured, schema.GOOD)

    @property
    def derived_quantities(self) -> dict[str, schema.Derived]:
        """The colours and absolute magnitudes that the catalogue holds, by name."""
        if self.photometry is None:
            return {}
        bands = self.photometry.magnitudes
        names = dict.fromkeys((*schema.GAIA_COLOURS, *self.derived))
        known = {name: own for name in names if (own := schema.derived_quantity(name))}
        return {name: own for name, own in known.items() if bands.keys() >= set(own.bands)}

    @property
    def has_absolute_magnitudes(self) -> bool:
        """Whether the catalogue holds absolute magnitudes."""
        return any(not own.is_colour for own in self.derived_quantities.values())

    @property
    def plain_columns(self) -> tuple[tuple[str, str], ...]:
        """The keys that name a column of the file, not an expression, with their columns."""
        names = [("id", self.id), ("gaia_id", self.gaia_id), ("duplicates.by", self.duplicates and self.duplicates.by)]
        names += [("position.ra", self.position.ra), ("position.dec", self.position.dec)]
        return tuple((key, name) for key, name in (*names, *(("keep", name) for name in self.keep)) if name)

    def in_one_table(self, text: str) -> str:
        """Return what a column, or an expression of columns, is called in one table with the columns of all tables."""
        for join in self.join:
            names = re.findall(rf"(?<![\w.]){join.name}\.(\w+)", text)
            for name in names:
                if name not in self.source_columns:  # another column of the main table
                    text = re.sub(rf"(?<![\w.]){join.name}\.{name}\b", name, text)
        return text

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns of the survey file, and the expressions of columns, that ingest reads, each once."""
        names: list[str | None] = [self.id, self.gaia_id, self.ebv, self.position.ra, self.position.dec]
        for label in self.labels.values():
            names += [label.column, *label.error_columns]
            names += [c for term in label.good for c in term.columns]
        if self.photometry:
            names += [name for band in self.photometry.magnitudes.values() for name in (band.column, band.error)]
            names += [*self.photometry.stated_extinctions.values(), self.photometry.ebv]
        if self.parallax:
            names += [self.parallax.column, self.parallax.error]
        if self.proper_motion:
            names += [v for k, v in self.proper_motion.model_dump().items() if k != "unit"]
        for distance in self.distances:
            names += [distance.column, *distance.error_columns]
            names += [c for term in distance.accept for c in term.columns]
        names += [c for term in self.cuts for c in term.columns]
        if self.duplicates:
            names += [self.duplicates.by, self.duplicates.best]
        return tuple(dict.fromkeys(name for name in (*names, *self.keep) if name))


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
    path = base / local_path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    if not path.exists() and not name.endswith(".toml"):
        raise SurveyError(
            f"No survey definition {name!r}. Shipped: {', '.join(shipped_names())}; "
            "or give the path of your own, ending in .toml."
        )
    content: dict[str, Any] = load_toml(path, SurveyError)
    return validate(SurveyDefinition, content, f"Survey definition {path.name}", SurveyError)

"""Which columns of a file hold what a survey definition asks for: by their names, their units, and their first rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.errors import SurveyError
from stdask.science.measurements import column_names as known
from stdask.science.measurements.units import conversion_factor
from stdask.storage.surveys.format import SurveyFile

N_ROWS = 1000  # rows that are looked at
GAIA_ID = r"^(\d{1,19}|None|nan|-1|-9999)$"  # an id of Gaia as text, and what archives write where there is none


class Guesses:
    """The columns of a file by what they most likely hold.

    Parameters
    ----------
    survey
        The file. Its columns of vectors are left out: a definition names elements of them.
    """

    def __init__(self, survey: SurveyFile) -> None:
        self.survey = survey
        self.names = [name for name in survey.columns if name and name not in survey.vectors]
        self._values = _sample(survey, list(self._candidates()))

    @property
    def gaia_id(self) -> str | None:
        """The column of Gaia's source_id: whole numbers, or text of digits."""
        return next(filter(self._holds_gaia_ids, known.known_columns(self.names, known.GAIA_ID)), None)

    @property
    def id(self) -> str | None:
        """The column of the survey's own id, else that of Gaia."""
        return next(filter(self._holds_ids, known.known_columns(self.names, known.ID)), None) or self.gaia_id

    @property
    def position(self) -> tuple[str, str] | None:
        """The columns of right ascension and declination, of one system."""
        pairs = known.find_positions(self.names)
        return next((pair for pair in pairs if all(self.measures(name, "deg") for name in pair)), None)

    @property
    def epoch(self) -> tuple[float, str]:
        """The epoch of the positions, and where it is known from, empty if it is assumed."""
        column = known.find_column(self.names, known.EPOCH)
        if column and self.is_number(column):
            epochs = np.unique(self._values[column].drop_null())
            if epochs.size == 1 and 1900 < epochs[0] < 2100:
                return float(epochs[0]), f"column {column}"
        own = " ".join(map(known.plain, self.position or ()))
        if "2000" in own:
            return known.J2000, f"the name {(self.position or '?')[0]}"
        release = known.find_release(self.position or ())
        if release is None and known.is_gaia_table(self.names):
            release = known.find_release(self.names)
        return (known.GAIA_EPOCHS[release], f"Gaia {release}") if release else (known.J2000, "")

    @property
    def distance(self) -> str | None:
        """The column of the distance; in a table of Gaia's archive `dist` is the separation in a cone search."""
        names = self.names
        if known.is_gaia_table(names):
            names = [name for name in names if known.plain(name) not in known.ON_SKY]
        return self._first(names, known.DISTANCE, "kpc")

    def distance_unit(self, column: str) -> tuple[str, bool]:
        """Return the unit that a distance without one is in, and whether its name tells it."""
        at_cds = f"b_{column}_x" in self.names or f"b_{column}" in self.names  # Gaia's distances at the CDS
        if known.plain(column) in known.IN_PC or at_cds:
            return "pc", True
        return "kpc", known.plain(column).endswith("kpc")

    @property
    def labels(self) -> dict[str, str]:
        """The columns of the labels, by label."""
        return self._columns(known.LABELS, lambda label: schema.quantity(label, "dex").unit)

    @property
    def photometry(self) -> dict[str, str]:
        """The columns of the three Gaia bands, none if one is lacking."""
        found = self._columns(known.PHOTOMETRY, lambda _: "mag")
        return found if len(found) == len(known.PHOTOMETRY) else {}

    @property
    def motion(self) -> dict[str, str]:
        """The columns of the proper motion, none if one is lacking."""
        found = self._columns(known.MOTION, lambda _: "mas/yr")
        return found if len(found) == len(known.MOTION) else {}

    @property
    def ebv(self) -> str | None:
        """The column of E(B-V)."""
        return self._first(self.names, known.EBV, "mag")

    @property
    def merit(self) -> str | None:
        """The column by which the rows of a star are compared."""
        return next(filter(self.is_number, known.known_columns(self.names, known.MERIT)), None)

    def error(self, column: str) -> str | None:
        """Return the column of the errors of a column."""
        found = known.find_error(self.names, column)
        return found if found and self.is_number(found) else None

    def percentiles(self, column: str) -> tuple[str, str] | None:
        """Return the columns of the 16th and the 84th percentile of a column."""
        found = known.find_percentiles(self.names, column)
        return found if found and all(map(self.is_number, found)) else None

    def flag(self, column: str) -> tuple[str, bool] | None:
        """Return the flag of one quantity, and whether it is text."""
        name = known.find_flag(self.names, column)
        kind = self._kind(name) if name else None
        return (name, pa.types.is_string(kind)) if name and kind else None

    def is_number(self, name: str) -> bool:
        """Tell whether a column holds numbers."""
        kind = self._kind(name)
        return kind is not None and (pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def measures(self, name: str, unit: str) -> bool:
        """Tell whether a column holds numbers in a unit that can be converted to another one, or in none."""
        return self.is_number(name) and fits(self.survey.columns[name], unit)

    def _candidates(self) -> Iterator[str]:
        names = self.names
        for spellings in (known.ID, known.GAIA_ID, known.EPOCH, known.EBV, known.MERIT):
            yield from known.known_columns(names, spellings)
        yield from (name for pair in known.find_positions(names) for name in pair)
        measured = [*known.LABELS.values(), *known.PHOTOMETRY.values(), *known.MOTION.values(), known.DISTANCE]
        for column in (name for spellings in measured for name in known.known_columns(names, spellings)):
            errors = (known.find_error(names, column), known.find_flag(names, column))
            found = (column, *errors, *(known.find_percentiles(names, column) or ()))
            yield from (name for name in found if name)

    def _columns(self, spellings: Mapping[str, Sequence[str]], unit: Callable[[str], str]) -> dict[str, str]:
        found = {name: self._first(self.names, own, unit(name)) for name, own in spellings.items()}
        return {name: column for name, column in found.items() if column}

    def _first(self, names: Sequence[str], spellings: Sequence[str], unit: str) -> str | None:
        columns = [name for name in known.known_columns(names, spellings) if self.measures(name, unit)]
        return next(filter(self._has_values, columns), columns[0] if columns else None)

    def _kind(self, name: str) -> pa.DataType | None:
        return self._values[name].type if name in self._values else None

    def _has_values(self, name: str) -> bool:
        return bool(pc.any(pc.is_finite(self._values[name])).as_py())

    def _holds_ids(self, name: str) -> bool:
        kind = self._kind(name)
        if kind is None or not (pa.types.is_integer(kind) or pa.types.is_string(kind)):
            return False
        values = self._values[name]
        return len(values) == 1 or len(values.unique()) > 1  # an archive fills what it does not know with one value

    def _holds_gaia_ids(self, name: str) -> bool:
        kind = self._kind(name)
        if kind is not None and pa.types.is_string(kind):
            return bool(pc.all(pc.match_substring_regex(self._values[name], GAIA_ID)).as_py())
        return kind is not None and pa.types.is_integer(kind)


def fits(stated: str, wanted: str) -> bool:
    """Tell whether a unit can be converted; one that is not known can be stated in the definition."""
    try:
        conversion_factor((stated, wanted), wanted)
    except SurveyError:
        return False
    return True


def is_known(stated: str, wanted: str) -> bool:
    """Tell whether a unit that a file states can be converted as it stands."""
    try:
        conversion_factor((stated,), wanted)
    except SurveyError:
        return False
    return True


def _sample(survey: SurveyFile, names: Sequence[str]) -> dict[str, pa.Array]:
    """Read the first rows of those columns that can be read."""
    names = list(dict.fromkeys(names))
    if not names:
        return {}
    try:
        table = survey.read(names, 0, N_ROWS)
    except SurveyError:
        half = len(names) // 2
        return _sample(survey, names[:half]) | _sample(survey, names[half:]) if half else {}
    return {name: table[name].combine_chunks() for name in names}

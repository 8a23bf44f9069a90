"""Files of made-up stars in the formats of the surveys, made from their definitions."""

import csv
import gzip
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits

from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.config.survey_tables import Distance, Label, Term
from stdask.science.measurements.cuts import passes

N_STARS = 8  # one that passes all cuts and one for each of seven, the most that a definition has
PER_UNIT = {"pc": 1000.0, "kpc": 1.0}  # of a kiloparsec
PARQUET = ("apogee_dr16_dr17_giants", "apogee_dr16_kepler", "apogee_dr17_giants", "mock_a", "mock_b")
CSV = ("gaia_dr3_gspphot", "lamost_lrs", "lamost_mrs")
TEXT, LONG, SHORT, BYTE = "U", "i8", "i2", "u1"
# columns that are no 32-bit floats, beside positions, ids of Gaia and those that a cut compares with integers or text
KINDS = {
    "apogee_dr14_kepler": {"apogee_id": TEXT},
    "apogee_dr16_dr17_giants": {"apogee_id": TEXT, "dr16.apogee_id": TEXT, "dr17.apogee_id": TEXT},
    "apogee_dr16_kepler": {"apogee_id": TEXT},
    "apogee_dr17": {"APOGEE_ID": TEXT, "starhorse.APOGEE_ID": TEXT, "starhorse.StarHorse_OUTPUTFLAGS": TEXT},
    "apogee_dr17_giants": {"apogee_id": TEXT, "release": TEXT},
    "desi_mws": {"RVTAB.VRAD": "f8", "RVTAB.TEFF": "f8", "GAIA.PMRA": "f8"},
    "gaia_dr3_gspphot": {"designation": TEXT, "libname_gspphot": TEXT},
    "gaia_dr3_gspspec": {"designation": TEXT},
    "gaia_eso": {"OBJECT": TEXT},
    "galah_dr3": {"starhorse.StarHorse_OUTPUTFLAGS": TEXT},
    "h3": {"GAIAEDR3_ID": LONG},
    "lamost_lrs": {"uid": TEXT},
    "lamost_mrs": {"mobsid": TEXT, "uid": TEXT, "rv_br_flag": SHORT},
    "mock_b": {"APOGEE_ID": TEXT},
    "rave_dr6": {"rave_obs_id": TEXT, "madera.algo_conv_madera": BYTE},
    "sdss_v": {"ra": "f4", "dec": "f4", "release": TEXT},
    "segue": {"SPECOBJID": TEXT, "SPECPRIMARY": SHORT},
    "weave": {"CNAME": TEXT},
}
# units as the survey's own files spell them
UNITS = {
    "desi_mws": {"RVTAB.VRAD": "km s-1", "RVTAB.TEFF": "K", "GAIA.PMRA": "mas yr^-1", "RVTAB.TARGET_RA": "deg"},
    "gaia_eso": {"MG1": "dex", "E_MG1": "dex", "FEH": "dex", "E_FEH": "dex"},
    "galah_dr3": {"logg": "log(cm.s**-2)", "e_logg": "log(cm.s**-2)", "teff": "K", "rv_galah": "km s-1"},
    "galah_dr4": {"logg": "log(cm.s**-2)", "e_logg": "log(cm.s**-2)", "teff": "K", "rv_comp_1": "km s-1"},
    "sdss_v": {"logg": "log10(cm/s^2)", "e_logg": "log10(cm/s^2)", "v_rad": "km/s", "r_med_photogeo": "pc"},
}
NAME = re.compile(r"[A-Za-z_][\w.]*(?:\[\d+\])?(?!\w*\()")  # a column in an expression, or an element of one
FUNCTIONS = {"hypot": np.hypot, "sqrt": np.sqrt}
Columns = dict[str, np.ndarray]


def names_in(text: str) -> list[str]:
    """Return the columns that a text of a definition reads: itself, or those of an expression."""
    return NAME.findall(text)


def value_of(text: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what a text of a definition stands for, by the rules of Python and NumPy: a column or an expression."""
    if text in columns:
        return columns[text]
    if part := _part_of_text(text):
        name, start, length = part
        return np.array([value[start : start + length] for value in columns[name]])
    return eval(NAME.sub(lambda found: f"columns[{found[0]!r}]", text), {"columns": columns, **FUNCTIONS})


def spoil(columns: Columns, term: Term, star: int) -> None:
    """Change the column of a condition so that a star fails it, and no other condition on the same column."""
    if part := _part_of_text(term.column):
        name, start, length = part
        text = columns[name][star]
        columns[name][star] = text[:start] + "9" * length + text[start + length :]
    else:
        columns[term.column][star] = failing_value(term)


def label_values(label: Label) -> np.ndarray:
    """Return what the made-up stars have for a label, well within its valid range and in the unit of its column."""
    low, high = label.valid or (1.0, 2.0)
    return np.linspace(0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high, N_STARS)


def distance_values(distance: Distance) -> np.ndarray:
    """Return the distances of the made-up stars, 1 to 9 kpc, in the unit of the column."""
    return np.linspace(1.0, 9.0, N_STARS) * PER_UNIT[distance.unit]


def made_up_columns(definition: SurveyDefinition) -> Columns:
    """Return the columns that a definition reads, for stars that pass all its cuts and lack nothing."""
    columns: Columns = {definition.position.ra: np.linspace(10.0, 80.0, N_STARS)}
    columns |= {definition.position.dec: np.linspace(-60.0, 70.0, N_STARS)}
    for name in (definition.id, definition.duplicates.by if definition.duplicates else definition.id):
        columns[name] = np.arange(1, N_STARS + 1)
    if definition.gaia_id:  # 19 digits: a 64-bit float would round them
        columns[definition.gaia_id] = 4_000_000_000_000_000_001 + np.arange(N_STARS)
    for label in sorted(definition.labels.values(), key=lambda label: len(names_in(label.column))):
        _set(columns, label.column, label_values(label))
        _set_errors(columns, label, np.full(N_STARS, 0.01 * np.ptp(label_values(label))))
    _add_photometry(columns, definition)
    for distance in definition.distances:
        _set(columns, distance.column, distance_values(distance))
        _set_errors(columns, distance, 0.1 * distance_values(distance))
    for term in _terms(definition):
        if part := _part_of_text(term.column):
            columns[part[0]] = np.full(N_STARS, "0" * 41)  # as in Gaia DR3
        elif term.column not in columns or not passes(term, columns).all():
            columns[term.column] = np.full(N_STARS, passing_value(term))
    for name in (name for text in definition.source_columns for name in names_in(text)):
        columns.setdefault(name, np.ones(N_STARS))
    return {name: _of_kind(values, name, definition) for name, values in columns.items()}


def passing_value(term: Term) -> Any:
    """Return a value that fulfils a condition."""
    if term.op in (">", "!="):
        return term.value + 1
    if term.op == "<":
        return term.value / 2
    if term.op in ("bits_clear", "is_null"):
        return 0 if term.op == "bits_clear" else ""
    return term.value


def failing_value(term: Term) -> Any:
    """Return a value that fails a condition, and no other one on the same column."""
    if isinstance(term.value, str):
        return "9" * len(term.value)
    if isinstance(term.value, bool):
        return not term.value
    if term.op == "bits_clear":
        return 1 << (term.value[0] if isinstance(term.value, list) else term.value)
    if term.op == "!=":
        return term.value
    return term.value - 1 if term.op in (">", ">=") else term.value + 1


def write_survey(folder: Path, definition: SurveyDefinition, columns: Mapping[str, np.ndarray]) -> Path:
    """Write one file of made-up stars, with the columns of all tables, and return its path."""
    tables = [f"{join.name}." for join in definition.join]
    return _write(folder, definition.name, definition, {_without(name, tables): v for name, v in columns.items()})


def write_tables(
    folder: Path, definition: SurveyDefinition, columns: Mapping[str, np.ndarray], rows: np.ndarray
) -> dict[str, Path]:
    """Write a file for each table of a survey as it is published, and return their paths.

    Parameters
    ----------
    folder, definition, columns
        Where, and of what.
    rows
        Of the further tables: stars in this order.
    """
    main = dict(columns)
    own: dict[str, Columns] = {join.name: {} for join in definition.join}
    for name in columns:
        if (table := name.rpartition(".")[0]) in own:
            own[table][name.removeprefix(f"{table}.")] = main.pop(name)
    paths = {MAIN: _write(folder, definition.name, definition, main)}
    for join in definition.join:
        further = own[join.name]
        if join.by == "position":
            further |= {join.ra: columns[definition.position.ra], join.dec: columns[definition.position.dec]}
        else:
            further[join.key_column] = columns[join.on]
        further = {name: values[rows] for name, values in further.items()}
        paths[join.name] = folder / f"{definition.name}_{join.name}.parquet"
        pq.write_table(pa.table(further), paths[join.name])
    return paths


def _set(columns: Columns, text: str, values: np.ndarray) -> None:
    """Set columns so that a text stands for values: the column itself, or the first free one in a linear expression."""
    free, *others = [name for name in names_in(text) if name not in columns or name == text] or [""]
    if free == text:
        columns[free] = values
    if free in ("", text):
        return
    columns |= {name: np.linspace(-0.9, -0.1, N_STARS) for name in others}
    at_zero, at_one = (value_of(text, columns | {free: np.full(N_STARS, value)}) for value in (0.0, 1.0))
    columns[free] = (values - at_zero) / (at_one - at_zero)


def _set_errors(columns: Columns, quantity: Label | Distance, errors: np.ndarray) -> None:
    """Set the columns of 1-sigma errors, however they are given."""
    if quantity.percentile_16 and quantity.percentile_84:
        values = value_of(quantity.column, columns)
        columns |= {quantity.percentile_16: values - errors, quantity.percentile_84: values + errors}
    low_and_high = (quantity.error_low, quantity.error_high) if isinstance(quantity, Distance) else ()
    for text in (quantity.error, *low_and_high):
        for name in names_in(text) if text else ():
            columns.setdefault(name, errors)


def _add_photometry(columns: Columns, definition: SurveyDefinition) -> None:
    """Add magnitudes of 12, reddening, parallaxes and proper motions."""
    if photometry := definition.photometry:
        for band in photometry.magnitudes.values():
            _set(columns, band.column, np.linspace(12.0, 13.0, N_STARS))
            for name in names_in(band.error) if band.error else ():
                columns[name] = np.full(N_STARS, 0.004 if name == band.error else 300.0)
        columns |= {name: np.linspace(0.0, 0.1, N_STARS) for name in photometry.stated_extinctions.values()}
    if definition.own_ebv:
        _set(columns, definition.own_ebv, np.linspace(0.0, 0.7, N_STARS))
    if parallax := definition.parallax:
        columns[parallax.column] = np.linspace(0.5, 2.0, N_STARS)
        columns |= {parallax.error: np.full(N_STARS, 0.02)} if parallax.error else {}
    if motion := definition.proper_motion:
        columns |= {motion.pmra: np.linspace(-5.0, 5.0, N_STARS), motion.pmdec: np.linspace(-9.0, 1.0, N_STARS)}


def _terms(definition: SurveyDefinition) -> Iterator[Term]:
    yield from definition.cuts
    for label in definition.labels.values():
        yield from label.good
    for distance in definition.distances:
        yield from distance.accept


def _part_of_text(text: str) -> tuple[str, int, int] | None:
    """Return the column, the start and the length of a part of a text: substr(flags, 15, 2)."""
    found = re.fullmatch(r"substr\(([\w.]+), (\d+), (\d+)\)", text)
    return (found[1], int(found[2]), int(found[3])) if found else None


def _of_kind(values: np.ndarray, name: str, definition: SurveyDefinition) -> np.ndarray:
    """Return a column as the survey stores it."""
    kind = KINDS.get(definition.name, {}).get(name)
    if kind == TEXT:
        return values if values.dtype.kind == "U" else np.array([f"{name[0]}-{int(value)}" for value in values])
    if kind:
        return values.astype(kind)
    is_position = name in (definition.position.ra, definition.position.dec)
    return values.astype("f4") if values.dtype.kind == "f" and not is_position else values


def _without(name: str, prefixes: list[str]) -> str:
    return next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)


def _write(folder: Path, name: str, definition: SurveyDefinition, columns: Columns) -> Path:
    folder.mkdir(exist_ok=True)
    if name in CSV:
        return _write_csv(folder / f"{name}.csv.gz", columns)
    if name in PARQUET:
        pq.write_table(pa.table(dict(columns)), folder / f"{name}.parquet")
        return folder / f"{name}.parquet"
    units = UNITS.get(name, {})
    tables = [_fits_table(columns, units, hdu) for hdu in definition.file.hdus or ("",)]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(folder / f"{name}.fits")
    return folder / f"{name}.fits"


def _fits_table(columns: Mapping[str, np.ndarray], units: Mapping[str, str], hdu: str) -> fits.BinTableHDU:
    """Return one table of a FITS file: all columns, or those called by its name. Elements become vectors."""
    prefix = f"{hdu}." if hdu else ""
    own = {name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)}
    vectors: dict[str, dict[int, np.ndarray]] = {}
    for name in [name for name in own if name.endswith("]")]:
        vector, _, element = name.removesuffix("]").partition("[")
        vectors.setdefault(vector, {})[int(element)] = own.pop(name)
    for name, elements in vectors.items():
        filled = [elements.get(number, np.full(N_STARS, np.nan)) for number in range(max(elements) + 2)]
        own[name] = np.stack(filled, axis=1).astype("f8")
    made = [_fits_column(name, values, units.get(prefix + name)) for name, values in own.items()]
    return fits.BinTableHDU.from_columns(made, name=hdu or None)


def _fits_column(name: str, values: np.ndarray, unit: str | None) -> fits.Column:
    formats = {"f4": "E", "f8": "D", "i8": "K", "i2": "I", "u1": "B", "b1": "L"}
    text = values.dtype.kind == "U"
    form = f"{values.dtype.itemsize // 4}A" if text else formats[values.dtype.str[1:]]
    return fits.Column(name, f"{values.shape[1]}{form}" if values.ndim > 1 else form, array=values, unit=unit)


def _write_csv(path: Path, columns: Mapping[str, np.ndarray]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return path

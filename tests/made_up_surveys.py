"""Files of made-up stars in the formats of the surveys, made from their definitions."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits

from stdask.config.survey import SurveyDefinition
from stdask.config.survey_tables import Distance, Label, Term
from stdask.science.measurements.cuts import passes

N_STARS = 8  # one that passes all cuts and one for each of seven, the most that a definition has
PER_UNIT = {"pc": 1000.0, "kpc": 1.0}  # of a kiloparsec
PARQUET = ("apogee_dr16_kepler", "apogee_dr17_giants", "mock_a", "mock_b")
TEXT, LONG, SHORT, BYTE = "U", "i8", "i2", "u1"
# columns that are no 32-bit floats, beside positions, ids of Gaia and those that a cut compares with integers or text
KINDS = {
    "apogee_dr14_kepler": {"apogee_id": TEXT},
    "apogee_dr16_kepler": {"apogee_id": TEXT},
    "apogee_dr17": {"APOGEE_ID": TEXT},
    "apogee_dr17_giants": {"apogee_id": TEXT, "release": TEXT},
    "desi_mws": {"RVTAB.VRAD": "f8", "RVTAB.TEFF": "f8", "GAIA.PMRA": "f8"},
    "gaia_dr3_gspphot": {"libname_gspphot": TEXT},
    "gaia_eso": {"OBJECT": TEXT},
    "h3": {"GAIAEDR3_ID": LONG},
    "lamost_lrs": {"uid": TEXT},
    "lamost_mrs": {"mobsid": TEXT, "uid": TEXT, "rv_br_flag": SHORT},
    "mock_b": {"APOGEE_ID": TEXT},
    "rave_dr6": {"rave_obs_id": TEXT, "algo_conv_madera": BYTE},
    "sdss_v": {"ra": "f4", "dec": "f4", "release": TEXT},
    "segue": {"specObjID": TEXT, "sciencePrimary": SHORT},
    "weave": {"CNAME": TEXT},
}
# units as the survey's own files spell them
UNITS = {
    "desi_mws": {"RVTAB.VRAD": "km s-1", "RVTAB.TEFF": "K", "GAIA.PMRA": "mas yr^-1", "RVTAB.TARGET_RA": "deg"},
    "galah_dr3": {"logg": "log(cm.s**-2)", "e_logg": "log(cm.s**-2)", "teff": "K", "rv_galah": "km s-1"},
    "galah_dr4": {"logg": "log(cm.s**-2)", "e_logg": "log(cm.s**-2)", "teff": "K", "rv_comp_1": "km s-1"},
    "sdss_v": {"logg": "log10(cm/s^2)", "e_logg": "log10(cm/s^2)", "v_rad": "km/s", "r_med_photogeo": "pc"},
}
Columns = dict[str, np.ndarray]


def label_values(label: Label) -> np.ndarray:
    """Return what the made-up stars have for a label, well within its valid range and in the unit of its column."""
    low, high = label.valid or (1.0, 2.0)
    return np.linspace(0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high, N_STARS)


def distance_values(distance: Distance) -> np.ndarray:
    """Return the distances of the made-up stars, 1 to 9 kpc, in the unit of the column."""
    return np.linspace(1.0, 9.0, N_STARS) * PER_UNIT[distance.unit]


def made_up_columns(definition: SurveyDefinition) -> Columns:
    """Return the columns that a definition names, for stars that pass all its cuts and lack nothing."""
    columns: Columns = {definition.position.ra: np.linspace(10.0, 80.0, N_STARS)}
    columns |= {definition.position.dec: np.linspace(-60.0, 70.0, N_STARS)}
    for label in definition.labels.values():
        columns[label.column] = label_values(label)
        if label.error:
            columns[label.error] = np.full(N_STARS, 0.01 * np.ptp(label_values(label)))
    columns |= _photometry(definition) | _distances(definition)
    for name in (definition.id, definition.duplicates.by if definition.duplicates else definition.id):
        columns[name] = np.arange(1, N_STARS + 1)
    if definition.gaia_id:  # 19 digits: a 64-bit float would round them
        columns[definition.gaia_id] = 4_000_000_000_000_000_001 + np.arange(N_STARS)
    for term in _terms(definition):
        if term.column not in columns or not passes(term, columns).all():
            columns[term.column] = np.full(N_STARS, passing_value(term))
    columns |= {name: np.ones(N_STARS) for name in definition.source_columns if name not in columns}
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
    """Write a file of made-up stars in the survey's own format and return its path."""
    if definition.file.format == "csv":
        return _write_csv(folder / f"{definition.name}.csv.gz", columns, definition.file.delimiter)
    if definition.name in PARQUET:
        path = folder / f"{definition.name}.parquet"
        pq.write_table(pa.table(dict(columns)), path)
        return path
    path = folder / f"{definition.name}.fits"
    units = UNITS.get(definition.name, {})
    tables = [_fits_table(columns, units, hdu) for hdu in definition.file.hdus or ("",)]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)
    return path


def _photometry(definition: SurveyDefinition) -> Columns:
    """Return magnitudes of 12, reddening and proper motions."""
    columns: Columns = {}
    if photometry := definition.photometry:
        for band in photometry.magnitudes.values():
            columns[band.column] = np.linspace(12.0, 13.0, N_STARS)
            columns |= {band.error: np.full(N_STARS, 0.004)} if band.error else {}
        columns |= {name: np.linspace(0.0, 0.1, N_STARS) for name in photometry.stated_extinctions.values()}
    if definition.own_ebv:
        columns[definition.own_ebv] = np.linspace(0.0, 0.7, N_STARS)
    if parallax := definition.parallax:
        columns[parallax.column] = np.linspace(0.5, 2.0, N_STARS)
        columns |= {parallax.error: np.full(N_STARS, 0.02)} if parallax.error else {}
    if motion := definition.proper_motion:
        columns |= {motion.pmra: np.linspace(-5.0, 5.0, N_STARS), motion.pmdec: np.linspace(-9.0, 1.0, N_STARS)}
    return columns


def _distances(definition: SurveyDefinition) -> Columns:
    """Return distances and errors of a tenth of them, however they are given."""
    columns: Columns = {}
    for distance in definition.distances:
        values = distance_values(distance)
        columns[distance.column] = values
        columns |= {name: 0.1 * values for name in (distance.error, distance.error_low, distance.error_high) if name}
        if distance.percentile_16 and distance.percentile_84:
            columns |= {distance.percentile_16: 0.9 * values, distance.percentile_84: 1.1 * values}
    return columns


def _terms(definition: SurveyDefinition) -> Iterator[Term]:
    yield from definition.cuts
    for label in definition.labels.values():
        yield from label.good
    for distance in definition.distances:
        yield from distance.accept


def _of_kind(values: np.ndarray, name: str, definition: SurveyDefinition) -> np.ndarray:
    """Return a column as the survey stores it."""
    kind = KINDS.get(definition.name, {}).get(name)
    if kind == TEXT:
        return values if values.dtype.kind == "U" else np.array([f"{name[0]}-{int(value)}" for value in values])
    if kind:
        return values.astype(kind)
    is_position = name in (definition.position.ra, definition.position.dec)
    return values.astype("f4") if values.dtype.kind == "f" and not is_position else values


def _fits_table(columns: Mapping[str, np.ndarray], units: Mapping[str, str], hdu: str) -> fits.BinTableHDU:
    """Return one table of a FITS file: all columns, or those called by its name."""
    formats = {"f4": "E", "f8": "D", "i8": "K", "i2": "I", "u1": "B", "b1": "L"}
    prefix = f"{hdu}." if hdu else ""
    made = []
    for name, values in columns.items():
        if name.startswith(prefix):
            text = values.dtype.kind == "U"
            form = f"{values.dtype.itemsize // 4}A" if text else formats[values.dtype.str[1:]]
            made.append(fits.Column(name.removeprefix(prefix), form, array=values, unit=units.get(name)))
    return fits.BinTableHDU.from_columns(made, name=hdu or None)


def _write_csv(path: Path, columns: Mapping[str, np.ndarray], delimiter: str) -> Path:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return path

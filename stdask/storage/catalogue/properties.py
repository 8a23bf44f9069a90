"""The properties files of HATS catalogues: keys of the IVOA Note "HATS" 1.0, table 1."""

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stdask.config.checks.texts import one_line
from stdask.schema import HEALPIX, Column
from stdask.science.sky.healpix import INDEX_ORDER, Pixel
from stdask.storage.files import write_text

ALWAYS = ("SURVEY", "ra", "dec", "GOOD", "USE", "DISTANCE", "DISTANCE_ERR", "R_GC", "Z_GC")
MAIN = ("_PRED_50", "_PRED_SIGMA")  # Endings of a translated label, and of its error.


def write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Write a properties file, a line a key, leaving out keys without a value.

    Readers of such files take a backslash for the beginning of an escape sequence, so it is written twice.
    """
    lines = {key: one_line(value).replace("\\", "\\\\") for key, value in properties.items()}
    write_text(path, "".join(f"{key}={value}\n" for key, value in lines.items() if value))


def parse_properties(text: str) -> dict[str, str]:
    """Return what a properties file says, by its keys."""
    lines = (line.split("=", 1) for line in text.split("\n") if "=" in line and not line.startswith("#"))
    return {key: value.replace("\\\\", "\\") for key, value in lines}


def properties_of(
    name: str, columns: Sequence[Column], rows: Mapping[Pixel, int], size_kb: int, kind: str = "object"
) -> dict[str, str]:
    """Return the properties that catalogues and margins have.

    Parameters
    ----------
    name, columns
        What it is called, and its columns.
    rows, size_kb
        Number of rows of each partition, and the size of all.
    kind
        Of the data product.
    """
    return {
        "obs_collection": name,
        "dataproduct_type": kind,
        "hats_nrows": str(sum(rows.values())),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_frame": "equatorial",
        "hats_col_healpix": HEALPIX.name,
        "hats_col_healpix_order": str(INDEX_ORDER),
        "hats_cols_default": " ".join(default_columns(columns)),
        "hats_cols_survey_id": " ".join(_ids(columns)),
        "hats_npix_suffix": ".parquet",
        "hats_order": str(max((pixel.order for pixel in rows), default=0)),
        "hats_max_rows": str(max(rows.values(), default=0)),
        "moc_sky_fraction": f"{sum(4.0**-pixel.order for pixel in rows) / 12:.5f}",
        "hats_version": "v1.0",
        "hats_release_date": "2025-08-22",  # Date of that version.
        "hats_creation_date": _creation_date(),
        "hats_builder": "stdask",  # Receipts have the version, which would give the same catalogue other bytes.
        "hats_estsize": str(size_kb),
    }


def default_columns(columns: Iterable[Column]) -> list[str]:
    """Return the columns that programs read if the user names none; empty, which means all, if there are few.

    Of a translated or merged catalogue the ids, positions, labels on the scale of B, their errors and flags. Catalogues
    of a survey itself have few columns, and networks need most of them.
    """
    names = [column.name for column in columns]
    merged = {f"{name}{error}" for name in names if f"{name}_RAW" in names for error in ("", "_ERR")}
    translated = {name for name in names if name.endswith(MAIN) or name.startswith(("QFLAG_INPUT_", "QFLAG_OUTPUT_"))}
    if not (merged or translated):
        return []
    return [name for name in names if name in {*_ids(columns), *ALWAYS, *merged, *translated}]


def _ids(columns: Iterable[Column]) -> list[str]:
    ids = (column.name for column in columns if column.ucd == "meta.id;meta.main")
    return [name for name in ids if not re.search(r"[\s,;]", name)]  # which part the names of a list


def _creation_date() -> str:
    """Return the date of SOURCE_DATE_EPOCH (reproducible-builds.org), empty without it.

    The date of today would give a catalogue other bytes each time. Receipts have it.
    """
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    return time.strftime("%Y-%m-%dT%H:%MUTC", time.gmtime(int(seconds))) if seconds.isdecimal() else ""

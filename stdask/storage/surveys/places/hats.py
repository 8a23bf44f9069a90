"""The Parquet files of a HATS catalogue, in the order of the sky.

Source: IVOA Note "HATS" v1.0: `hats.properties` (`properties` until 2025), `partition_info.csv`, and the files
`dataset/Norder=*/Dir=*/Npix=*.parquet`, or folders `Npix=*/` of such files; `collection.properties` joins a catalogue
with its margin.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from stdask.config.addresses import is_remote
from stdask.errors import SurveyError
from stdask.storage.surveys.places.remote import exists

PROPERTIES = ("hats.properties", "properties")
COLLECTION = "collection.properties"
PARTITIONS = "partition_info.csv"
TABLES = ("object", "source", "map", "")  # kinds of data whose rows are those of a survey
FINEST = 29  # HEALPix order


def is_hats(folder: Path) -> bool:
    """Tell whether a folder is a HATS catalogue, or a collection of one with its margin."""
    return exists(folder / COLLECTION) or _properties_file(folder) is not None


def list_partitions(folder: Path) -> tuple[Path, ...]:
    """Return the Parquet files of a HATS catalogue, or of the main catalogue of a collection.

    Raises
    ------
    SurveyError
        If a partition or the catalogue of a collection is missing, or the catalogue holds no table of objects.
    """
    folder = main_catalogue(folder)
    stated = read_properties(folder)
    kind = stated.get("dataproduct_type", "")
    if kind not in TABLES:
        raise SurveyError(f"{folder} is a HATS {kind}, not a catalogue. Name the folder of the catalogue itself.")
    suffix = stated.get("hats_npix_suffix", ".parquet")
    pixels = sorted(_pixels(folder), key=lambda pixel: pixel[1] << 2 * (FINEST - pixel[0]))
    files = [file for pixel in pixels for file in _files_of(folder, *pixel, suffix)]
    if not files:
        raise SurveyError(f"The HATS catalogue {folder} has no partitions. Fetch it again.")
    return tuple(files)


def main_catalogue(folder: Path) -> Path:
    """Return the folder of the main catalogue of a collection; a catalogue is its own.

    Raises
    ------
    SurveyError
        If the collection does not say which it is, or that is not there.
    """
    if _properties_file(folder) is not None:
        return folder
    name = _read(folder / COLLECTION).get("hats_primary_table_url", "")
    main = folder / name
    if not name or _properties_file(main) is None:
        raise SurveyError(
            f"{folder / COLLECTION} names the catalogue {name!r}, which is not there. Name the folder of the catalogue."
        )
    return main


def read_properties(folder: Path) -> Mapping[str, str]:
    """Return the properties of a catalogue."""
    path = _properties_file(folder)
    return _read(path) if path else {}


def _properties_file(folder: Path) -> Path | None:
    hats, older = (folder / name for name in PROPERTIES)
    if exists(hats):
        return hats
    return older if exists(older) and (is_remote(older) or (folder / "dataset").is_dir()) else None


def _read(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _pixels(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield order and number of the pixels, from the list of partitions, or from the names of the files without one."""
    listed = folder / PARTITIONS
    if not exists(listed):
        for path in folder.glob("dataset/Norder=*/Dir=*/Npix=*"):
            order, pixel = path.parts[-3].removeprefix("Norder="), path.name.removeprefix("Npix=").split(".")[0]
            if order.isdigit() and pixel.isdigit():
                yield int(order), int(pixel)
        return
    try:
        rows = csv.DictReader(listed.read_text(encoding="utf-8").splitlines(), skipinitialspace=True)
        yield from ((int(row["Norder"]), int(row["Npix"])) for row in rows)
    except (KeyError, TypeError, ValueError) as exc:
        raise SurveyError(f"{listed} does not list partitions by Norder and Npix ({exc}). Fetch it again.") from exc


def _files_of(folder: Path, order: int, pixel: int, suffix: str) -> list[Path]:
    """Return the files of a partition: one, or those in a folder of its own."""
    place = folder / "dataset" / f"Norder={order}" / f"Dir={pixel // 10_000 * 10_000}"
    path = place / f"Npix={pixel}{suffix.rstrip('/')}"
    if suffix.endswith(".parquet") and (is_remote(path) or path.is_file()):
        return [path]
    files = sorted(own for own in path.glob("*") if own.is_file() and not own.name.startswith((".", "_")))
    if not files:
        raise SurveyError(f"The HATS catalogue {folder} lists the partition {path}, which is missing. Fetch it again.")
    return files

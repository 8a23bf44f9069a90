"""Everything that can be wrong with a survey's file, its definition or its rows, and what stdask makes of it."""

import bz2
import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from pyarrow import feather

N_STARS = 12
DEFINITION = """
name = "small"
title = "Small"
reference = "none"
id = "id"
gaia_id = "gaia"
cuts = [{ column = "flag", op = "bits_clear", value = [0, 3] }, { column = "snr", op = ">", value = 20 }]
[labels.FE_H]
column = "feh"
error = "e_feh"
typical_error = 0.1
valid = [-5, 1]
[duplicates]
by = "gaia"
best = "snr"
"""
RUN = """
output = "out"
[surveys.a]
definition = "small.toml"
file = "FILE"
[surveys.b]
definition = "apogee_dr17_giants"
file = "apogee_dr17_giants.parquet"
[pair]
match = { by = "position" }
[[train.intrinsic]]
label = "FE_H"
from = "FE_H"
"""


@dataclass
class Input:
    """What a user gives: a table of stars without fault, its definition and a run file, until a case spoils them."""

    folder: Path
    name: str = "survey.fits"
    definition: str = DEFINITION
    run: str = RUN
    stars: Table = field(default_factory=lambda: good_stars())

    @property
    def file(self) -> Path:
        return self.folder / self.name

    def write(self) -> Path:
        """Write all that is not there yet; return the path of the run file."""
        (self.folder / "small.toml").write_text(self.definition)
        run_file = self.folder / "run.toml"
        run_file.write_text(self.run.replace("FILE", self.name))
        if not (os.path.lexists(self.file) or self.name == NO_FILE):
            self.write_stars()
        return run_file

    def write_stars(self, name: str = "") -> Path:
        """Write the table in the format that the name says; return its path."""
        path = self.folder / (name or self.name)
        columns = {c: self.stars[c].tolist() for c in self.stars.colnames}
        if path.suffix == ".parquet":
            pq.write_table(pa.table(columns), path)
        elif path.suffix == ".feather":
            feather.write_feather(pa.table(columns), path)
        elif path.suffix == ".h5":
            self.stars.write(path, format="hdf5", path="stars")
        else:
            kinds = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".vot": "votable"}
            self.stars.write(path, format=kinds.get(path.suffix, "fits"))
        return path

    def define(self, old: str, new: str) -> None:
        """Change the definition."""
        assert old in self.definition
        self.definition = self.definition.replace(old, new)

    def put(self, column: str, *values: object, row: int = 0) -> None:
        """Put values into a column, from a row on."""
        self.stars[column][row : row + len(values)] = values

    def cut_to(self, share: float) -> None:
        """Leave only the first part of the file's bytes."""
        content = self.write_stars().read_bytes()
        self.file.write_bytes(content[: int(share * len(content))])

    def retype(self, column: str, kind: str) -> None:
        """Store a column as another type."""
        self.stars[column] = self.stars[column].astype(kind)

    def replace_words(self, *words: str) -> None:
        """Write the file and change words of its text: each is followed by its new one."""
        text = self.write_stars().read_text()
        for old, new in zip(words[::2], words[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        self.file.write_text(text)

    def replace_text(self, old: str, new: str, encoding: str = "utf-8") -> None:
        """Write the file and change its text."""
        text = self.write_stars().read_text()
        assert old in text
        self.file.write_bytes(text.replace(old, new).encode(encoding))


NO_FILE = "nowhere.fits"


@dataclass(frozen=True)
class Refused:
    """Input that ends in an error with these words."""

    what: str
    spoil: Callable[[Input], object]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """Input of which every row is a star or set aside for a reason, and every value that is none is counted."""

    what: str
    spoil: Callable[[Input], object]
    aside: Mapping[str, int] = field(default_factory=dict)  # rows, by reason
    lost: Mapping[str, int] = field(default_factory=dict)  # values of FE_H and its error, by what they were
    n_stars: int = N_STARS  # in the file


def good_stars() -> Table:
    """Return stars of which stdask takes every row and every value."""
    rng = np.random.default_rng(12)
    return Table(
        {
            "id": [f"star {n:03}" for n in range(N_STARS)],
            "gaia": 10**18 + np.arange(N_STARS),
            "ra": rng.uniform(0, 360, N_STARS).round(5),
            "dec": rng.uniform(-90, 90, N_STARS).round(5),
            "feh": rng.normal(-0.5, 0.3, N_STARS).round(3),
            "e_feh": np.full(N_STARS, 0.05),
            "snr": np.full(N_STARS, 50.0),
            "flag": np.zeros(N_STARS, dtype=np.int64),
        }
    )


def _as(name: str, spoil: Callable[[Input], object] = Input.write) -> Callable[[Input], object]:
    """Return a case on a file of another name, and so another format."""

    def changed(given: Input) -> None:
        given.name = name
        spoil(given)

    return changed


def _bytes(name: str, content: bytes) -> Callable[[Input], object]:
    return _as(name, lambda given: given.file.write_bytes(content))


def _packed(given: Input) -> bytes:
    return gzip.compress(given.write_stars("survey.csv").read_bytes(), mtime=0)


def _flip(given: Input, place: int) -> None:
    content = bytearray(given.write_stars().read_bytes())
    content[place] ^= 0xFF
    given.file.write_bytes(content)


def _no_permission(given: Input) -> None:
    given.write_stars().chmod(0)


def _two_names(given: Input) -> None:
    content = given.write_stars().read_bytes()
    given.file.write_bytes(content.replace(b"'e_feh ", b"'feh   "))


def _two_tables(given: Input) -> None:
    given.define('id = "id"\n', 'id = "id"\nfile = { hdus = ["STARS", "MORE"] }\n')
    tables = [fits.table_to_hdu(stars) for stars in (given.stars, given.stars[:-2])]
    for hdu, name in zip(tables, ("STARS", "MORE"), strict=True):
        hdu.name = name
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(given.file)


def _empty_first_table(given: Input) -> None:
    tables = [fits.table_to_hdu(stars) for stars in (given.stars[:0], given.stars)]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(given.file)


def _other_first_table(given: Input) -> None:
    tables = [fits.table_to_hdu(Table({"exposure": [1, 2]})), fits.table_to_hdu(given.stars)]
    tables[1].name = "STARS"
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(given.file)


def _file(keys: str) -> Callable[[Input], object]:
    """Return a change of the definition: keys of `[file]`."""
    return lambda given: given.define('id = "id"\n', f'id = "id"\nfile = {{ {keys} }}\n')


def _both(*spoils: Callable[[Input], object]) -> Callable[[Input], object]:
    def spoil(given: Input) -> None:
        for one in spoils:
            one(given)

    return spoil


def _two_in_hdf5(given: Input) -> None:
    for name in ("main", "visits"):
        given.stars.write(given.file, format="hdf5", path=name, append=True)


def _no_table_in_hdf5(given: Input) -> None:
    with h5py.File(given.file, "w") as file:
        file["answer"] = 42


def _mrt(given: Input) -> None:
    given.stars.write(given.file, format="ascii.mrt")


def _cds(described: str) -> Callable[[Input], object]:
    """Return a case of a table of CDS that a ReadMe describes under a name."""

    def write(given: Input) -> None:
        _mrt(given)
        text = given.file.read_text()
        head, _, rows = text.rpartition(f"{'-' * 80}\n")
        (given.folder / "ReadMe").write_text(head.replace("file: table.dat", f"file: {described}") + "-" * 80 + "\n")
        given.file.write_text(rows)

    return write


def _parts(given: Input, *names: str) -> Path:
    """Make the survey a folder of files, an equal share of the stars each; return the folder."""
    given.name = "parts"
    given.file.mkdir()
    size = len(given.stars) // len(names)
    stars = given.stars
    for number, name in enumerate(names):
        given.stars = stars[number * size : (number + 1) * size]
        given.write_stars(f"parts/{name}")
    return given.file


def _lost_column(given: Input) -> None:
    folder = _parts(given, "1.csv", "2.csv")
    Table.read(folder / "2.csv")["id", "gaia", "ra", "dec"].write(folder / "2.csv", overwrite=True)


def _text_in_one(given: Input) -> None:
    folder = _parts(given, "1.csv", "2.csv")
    table = Table.read(folder / "2.csv")
    table["snr"] = ["good"] * len(table)
    table.write(folder / "2.csv", overwrite=True)


def _two_units(given: Input) -> None:
    given.stars["ra"].unit = "deg"
    folder = _parts(given, "1.fits", "2.fits")
    table = Table.read(folder / "2.fits")
    table["ra"].unit = "rad"
    table.write(folder / "2.fits", overwrite=True)


def _hats(given: Input, *, listed: str = "0,3\n0,4\n", kind: str = "object", n_rows: int = N_STARS) -> None:
    """Make the survey a HATS catalogue of one partition."""
    given.name = "hats"
    path = given.file / "dataset/Norder=0/Dir=0/Npix=3.parquet"
    path.parent.mkdir(parents=True)
    given.write_stars(str(path.relative_to(given.folder)))
    (given.file / "partition_info.csv").write_text(f"Norder,Npix\n{listed}")
    (given.file / "hats.properties").write_text(f"dataproduct_type={kind}\nhats_nrows={n_rows}\n")


def _named(text: str) -> Callable[[Input], object]:
    """Return a case in which the run file names something else."""

    def changed(given: Input) -> None:
        given.run = given.run.replace("FILE", text)

    return changed


def _fits_column(form: str, array: object) -> Callable[[Input], object]:
    """Return a case in which FITS column feh is of another form."""

    def write(given: Input) -> None:
        hdu = fits.table_to_hdu(given.stars[[c for c in given.stars.colnames if c != "feh"]])
        fits.BinTableHDU.from_columns(hdu.columns + fits.Column("feh", form, array=array)).writeto(given.file)

    return write


def _arrow(column: str, values: pa.Array) -> Callable[[Input], object]:
    """Return a case in which a Parquet column is something else."""

    def write(given: Input) -> None:
        table = pq.read_table(given.write_stars())
        pq.write_table(table.set_column(table.column_names.index(column), column, values), given.file)

    return _as("survey.parquet", write)


def _swapped_bytes(given: Input) -> None:
    for name in ("ra", "feh"):
        given.stars[name] = given.stars[name].astype(">f4" if name == "feh" else ">f8")
    given.stars["gaia"] = given.stars["gaia"].astype("<i8")


def _label(expression: str) -> Callable[[Input], object]:
    """Take an expression for the label."""
    return lambda given: given.define('column = "feh"', f'column = "{expression}"')


def _unit(given: Input, **units: str) -> None:
    for name, unit in units.items():
        given.stars[name].unit = unit


def _masked(given: Input, column: str, rows: list[int], fill: object) -> None:
    values = MaskedColumn(given.stars[column], fill_value=fill)
    values.mask[rows] = True
    given.stars = Table(given.stars, masked=True)
    given.stars[column] = values


NAN, INF = float("nan"), float("inf")
FILES = (
    Refused("a file that is missing", _as(NO_FILE), ("No survey file", NO_FILE, "--data-dir")),
    Refused("an empty folder", lambda given: given.file.mkdir(), ("survey.fits has no files", "Name the folder")),
    Refused("a folder of several formats", lambda given: _parts(given, "1.csv", "2.fits"), ("1.csv is CSV", "pattern")),
    Refused(
        "a folder with another file",
        lambda given: (_parts(given, "1.fits") / "z.txt").write_text("notes"),
        ("z.txt is no format",),
    ),
    Refused("a folder of folders", lambda given: (given.file / "more").mkdir(parents=True), ("holds the folder more",)),
    Refused("a pattern that no file fits", _named("gaia_*.fits"), ("No file fits", "gaia_*.fits", "--data-dir")),
    Refused("a column that one of the files lacks", _lost_column, ("is in parts/1.csv, but not in parts/2.csv",)),
    Refused("text in one file, numbers in another", _text_in_one, ("'snr' holds text in parts/2.csv, but not in",)),
    Refused("a column in two units", _two_units, ("is in deg in", "but in rad in", "2.fits")),
    Refused("HATS with a missing partition", _hats, ("Npix=4.parquet", "missing", "Fetch it again")),
    Refused(
        "HATS with fewer rows", lambda given: _hats(given, listed="0,3\n", n_rows=99), ("states 99 rows", "have 12")
    ),
    Refused("the margin of a HATS catalogue", lambda given: _hats(given, kind="margin"), ("is a HATS margin",)),
    Refused("an address without --allow-remote", _named("https://example.org/a.fits"), ("Add --allow-remote",)),
    Refused("an address of another kind", _named("ftp://example.org/a.fits"), ("https://, http://, s3://",)),
    Refused("an empty file", _bytes("survey.fits", b""), ("is empty", "Fetch the file again")),
    Refused("a link to nothing", lambda given: given.file.symlink_to("gone.fits"), ("No survey file",)),
    Refused("links in a circle", lambda given: given.file.symlink_to(given.file), ("symbolic links", "survey.fits")),
    Refused("a file without permission", _no_permission, ("Permission denied", "its permissions")),
    Refused("a named pipe", lambda given: os.mkfifo(given.file), ("survey.fits is no regular file",)),
    Refused("another kind of file", _bytes("survey.fits", b"\x89PNG\r\n\x1a\n" + bytes(99)), ("no format", "damaged")),
    Refused("text called FITS", _bytes("survey.fits", b"id,ra,dec\n1,2,3\n"), ("no format that stdask reads",)),
    Refused("text called Parquet", _bytes("survey.parquet", b"id,ra,dec\n1,2,3\n"), ("no format",)),
    Refused("an extension that says nothing", _bytes("survey.bin", b"id,ra,dec\n1,2,3\n"), ('[file] format = "csv"',)),
    Refused("an archive of files", _bytes("survey.zip", b"PK\x03\x04" + bytes(99)), ("an archive", "Unpack it")),
    Refused(
        "a NumPy archive",
        _as("survey.npz", lambda given: np.savez(given.file, id=[1], ra=[2.0])),
        ("is a NumPy archive", "numpy.load('survey.npz')"),
    ),
    Refused(
        "a table of IPAC",
        _bytes("survey.tbl", b"\\catalog='2MASS'\n|  id|    ra|\n|char|double|\n|    |   deg|\n  x1    10.5 \n"),
        ("is a table of IPAC", "Table.read('survey.tbl', format='ascii.ipac')"),
    ),
    Refused(
        "a stream of Arrow",
        _bytes("survey.arrow", b"\xff\xff\xff\xff\x18\x06\x00\x00\x10\x00\x00\x00" + bytes(99)),
        ("is a stream of Arrow", "pyarrow.ipc.open_stream"),
    ),
    Refused(
        "a web page called CSV",
        _bytes("survey.csv", b"\n<!DOCTYPE html><html>404</html>"),
        ("is a web page", "Fetch the table again"),
    ),
    Refused(
        "a table called CSV that is no text",
        _bytes("survey.csv", b"id\x00ra" + bytes(99)),
        ("no format that stdask reads",),
    ),
    Refused(
        "text that the definition calls FITS",
        _as("survey.csv", _file('format = "fits"')),
        ("survey.csv is text", 'format = "fits"', "correct the format"),
    ),
    Refused("HDF5 cut off", _as("survey.h5", lambda given: given.cut_to(0.7)), ("survey.h5", "again")),
    Refused("HDF5 without a table", _as("survey.h5", _no_table_in_hdf5), ("holds no table",)),
    Refused(
        "HDF5 of several tables",
        _as("survey.h5", _two_in_hdf5),
        ("main (12 rows), visits (12 rows)", '[file] hdus = ["main"]'),
    ),
    Refused(
        "HDF5 without the table that is asked for",
        _as("survey.h5", _file('hdus = ["gaia"]')),
        ("no table 'gaia'", "stars"),
    ),
    Refused("Feather cut off", _as("survey.feather", lambda given: given.cut_to(0.7)), ("survey.feather", "again")),
    Refused(
        "a table of CDS without its ReadMe",
        _as("survey.dat", _both(_file('format = "cds"'), _mrt)),
        ("No file ReadMe", "[file] readme"),
    ),
    Refused(
        "a table of CDS with another ReadMe",
        _as("survey.dat", _both(_file('readme = "ReadMe"'), _cds("other.dat"))),
        ("ReadMe does not describe survey.dat, but other.dat",),
    ),
    Refused(
        "a table of the AAS cut off in its description",
        _as("survey.txt", lambda given: (_mrt(given), given.file.write_bytes(given.file.read_bytes()[:700]))),
        ("survey.txt", "again"),
    ),
    Refused(
        "FITS whose first table is empty",
        _empty_first_table,
        ("first table has no rows; table 2 has 12", '[file] hdus = ["2"]'),
    ),
    Refused(
        "FITS whose first table is another one",
        _other_first_table,
        ("lacks 8 columns", "The table STARS has", 'set [file] hdus = ["STARS"]'),
    ),
    Refused("FITS cut off", lambda given: given.cut_to(0.7), ("is cut off", "Fetch the file again")),
    Refused("FITS cut off in its header", lambda given: given.cut_to(0.3), ("cut off", "Fetch the file again")),
    Refused("Parquet cut off", _as("survey.parquet", lambda given: given.cut_to(0.9)), ("survey.parquet", "again")),
    Refused("VOTable cut off", _as("survey.vot", lambda given: given.cut_to(0.9)), ("survey.vot", "again")),
    Refused("CSV cut off within a row", _as("survey.csv", lambda given: given.cut_to(0.99)), ("survey.csv", "line 13")),
    Refused("ECSV cut off in its header", _as("survey.ecsv", lambda given: given.cut_to(0.2)), ("survey.ecsv",)),
    Refused(
        "gzip cut off",
        _as("survey.csv.gz", lambda given: given.file.write_bytes(_packed(given)[:-20])),
        ("is cut off", "Fetch the file again"),
    ),
    Refused(
        "gzip with a bit that flipped",
        _as("survey.csv.gz", lambda given: given.file.write_bytes(_packed(given)[:-8] + bytes(8))),
        ("Cannot read", "CRC", "fetch it again"),
    ),
    Refused("Parquet with damage at its end", _as("survey.parquet", lambda given: _flip(given, -9)), ("Cannot read",)),
    Refused(
        "Parquet that was packed",
        _as("p.parquet.bz2", lambda g: g.file.write_bytes(bz2.compress(g.write_stars("p.parquet").read_bytes()))),
        ("Unpack",),
    ),
    Refused("no rows", lambda given: setattr(given, "stars", given.stars[:0]), ("has no rows", "with stars in it")),
    Refused("CSV of a header alone", _bytes("survey.csv", b"id,gaia,ra,dec,feh\n"), ("has no rows",)),
    Refused(
        "FITS of an image", lambda given: fits.PrimaryHDU(np.zeros((3, 3))).writeto(given.file), ("no binary table",)
    ),
    Refused("FITS tables of different lengths", _two_tables, ("not all tables", "STARS has 12, MORE has 10")),
    Refused(
        "a FITS table that is not there",
        lambda given: given.define('id = "id"\n', 'id = "id"\nfile = { hdus = ["STARS"] }\n'),
        ("STARS",),
    ),
    Taken("one row", lambda given: setattr(given, "stars", given.stars[:1]), n_stars=1),
    Taken("a FITS file that the definition calls CSV", _file('format = "csv"')),
    Taken("FITS called CSV", _as("survey.csv", lambda given: given.write_stars("s.fits").rename(given.file))),
    Taken("HDF5", _as("survey.h5")),
    Taken("Feather", _as("survey.feather")),
    Taken("a table of the AAS", _as("survey.txt", _mrt)),
    Taken("a table of CDS with its ReadMe", _as("survey.dat", _cds("survey.dat"))),
    Taken(
        "two rows of one star, and no [duplicates]: merge keeps one of them",
        lambda given: (
            given.define('[duplicates]\nby = "gaia"\nbest = "snr"\n', ""),
            given.put("gaia", 10**18, 10**18),
        ),
    ),
    Taken("CSV with another delimiter", _as("survey.csv", lambda given: given.replace_text(",", ";"))),
    Taken("CSV with blanks after commas", _as("survey.csv", lambda given: given.replace_text(",", ", "))),
    Taken("CSV with # before the names", _as("survey.csv", lambda given: given.replace_text("id,", "# id,"))),
    Taken(
        "CSV with a first line of SkyServer",
        _as("survey.csv", lambda given: given.replace_text("id,gaia", "#Table1\nid,gaia")),
    ),
    Taken("CSV with comments", _as("survey.csv", lambda given: given.replace_text("star 005", "# gone\nstar 005"))),
    Taken("CSV in UTF-16", _as("survey.csv", lambda given: given.replace_text("id,gaia", "id,gaia", "utf-16"))),
    Taken("a name with blanks", _as("my survey file.fits")),
    Taken("a name in another script", _as("обзор_звёзд_调查.csv")),
    Taken("a link to the file", lambda given: given.file.symlink_to(given.write_stars("real.fits"))),
)
COLUMNS = (
    Refused(
        "a column that is not there", lambda g: g.define('"feh"', '"fehh"'), ("no column 'fehh'", "Did you mean 'feh'")
    ),
    Refused(
        "several columns that are not there",
        lambda given: (given.define('"feh"', '"fehh"'), given.define('"e_feh"', '"e_fehh"')),
        ("lacks 2 columns", "'fehh' (did you mean 'feh'?)", "'e_fehh' (did you mean 'e_feh'?)"),
    ),
    Refused(
        "a column to keep with the name of a translated one",
        lambda given: given.define('id = "id"\n', 'id = "id"\nkeep = ["FE_H_PRED_50"]\n'),
        ("'FE_H_PRED_50'", "`stdask translate` adds", "Remove it from `keep`"),
    ),
    Refused(
        "a column to keep that differs from another one by the case of letters",
        lambda given: given.define('id = "id"\n', 'id = "id"\nkeep = ["fe_h"]\n'),
        ("'FE_H'", "FITS files do not tell from 'fe_h'", "Remove it from `keep`"),
    ),
    Refused(
        "an id called SOURCE_ID that is not Gaia's",
        lambda given: given.define('id = "id"', 'id = "SOURCE_ID"'),
        ("`id` names 'SOURCE_ID'", "`gaia_id` names 'gaia'", "rename it in the survey file"),
    ),
    Taken(
        "a reference of several lines",
        lambda given: given.define('reference = "none"', 'reference = """\n@article{x,\nhats_nrows=5\n}"""'),
    ),
    Taken("a column in other capital letters", lambda given: given.define('"e_feh"', '"E_FEH"')),
    Refused("two columns of one name, FITS", _two_names, ("two columns are called 'feh'",)),
    Refused(
        "two columns of one name, CSV",
        _as("survey.csv", lambda given: given.replace_text("e_feh", "feh")),
        ("two columns are called 'feh'", "one name for each"),
    ),
    Refused(
        "a label of text",
        lambda given: given.define('"feh"', '"id"'),
        ("Column 'id': text, no numbers: it holds 'star 000' for one",),
    ),
    Refused("a label of logicals", lambda given: given.retype("feh", "bool"), ("'feh'", "no numbers")),
    Refused("a label of dates", _arrow("feh", pa.array([0] * N_STARS, pa.date32())), ("'feh'", "no numbers")),
    Refused("a label of complex numbers", _fits_column("C", np.zeros(N_STARS)), ("'feh'", "complex")),
    Refused("a label of vectors", _fits_column("3D", np.zeros((N_STARS, 3))), ("3 values a row", "feh[0] to feh[2]")),
    Refused(
        "an element that is not there",
        lambda given: (given.define('"feh"', '"feh[3]"'), _fits_column("3D", np.zeros((N_STARS, 3)))(given)),
        ("has no feh[3]", "feh[0] to feh[2]"),
    ),
    Refused(
        "positions in sexagesimal text",
        lambda given: (given.retype("ra", "U20"), given.put("ra", *["17:20:07.4"] * N_STARS)),
        ("'ra' of the position holds text in sexagesimal notation, such as '17:20:07.4'", "SkyCoord(ra, dec"),
    ),
    Refused(
        "a unit stated for a column that is not there",
        _file('units = { fe_h = "dex" }'),
        ("no column 'fe_h', for which [file] units states a unit", "Did you mean 'feh'"),
    ),
    Refused("positions in text", lambda given: given.retype("ra", "str"), ("'ra' of the position holds string",)),
    Refused(
        "ids in floats",
        lambda given: given.retype("gaia", "f8"),
        ("'gaia' holds double, but ids are",),
    ),
    Refused(
        "Gaia ids in text",
        lambda given: given.define('gaia_id = "gaia"', 'gaia_id = "id"'),
        ("'id'", "star 0", "64-bit integers"),
    ),
    Refused(
        "ids beyond 64 bits",
        _arrow("gaia", pa.array([2**64 - 1] * N_STARS, pa.uint64())),
        ("'gaia'", "64-bit integers"),
    ),
    Refused(
        "a cut of numbers with text", lambda g: g.define("value = 20", 'value = "good"'), ("compares column 'snr'",)
    ),
    Refused("bits of floats", lambda given: given.retype("flag", "f8"), ("asks for bits", "Name an integer column")),
    Refused("a unit that is no unit of it", lambda g: setattr(g.stars["feh"], "unit", "adu"), ("'adu'", "'feh'")),
    Refused(
        "a unit that nobody knows",
        lambda g: g.define('column = "feh"', 'column = "feh"\nunit = "furlongz"'),
        ("furlongz",),
    ),
    Refused("a position in hours", lambda given: setattr(given.stars["ra"], "unit", "K"), ("'ra'", "'K'")),
    Refused(
        "CSV with a line too short",
        _as("survey.csv", lambda given: given.replace_text("50.0,0\nstar 005", "50.0\nstar 005")),
        ("survey.csv", "line 6"),
    ),
    Refused(
        "CSV with a quote that is never closed",
        _as("survey.csv", lambda given: given.replace_text("star 005", '"star 005')),
        ("survey.csv", "line 7"),
    ),
    Refused(
        "CSV without names",
        _as("survey.csv", lambda given: given.replace_text(",".join(given.stars.colnames) + "\n", "")),
        ("its first line has values", "Add a line with the names"),
    ),
    Refused(
        "CSV in another encoding",
        _as("survey.csv", lambda given: given.replace_text("star 005", "étoile", "latin-1")),
        ("survey.csv", "UTF"),
    ),
    Refused(
        "CSV with a word among numbers",
        _as("survey.csv", lambda g: g.replace_text(",50.0,", ",good,")),
        ("'snr'", "'good'"),
    ),
    Refused(
        "ECSV with a word among numbers",
        _as("survey.ecsv", lambda g: g.replace_text(" 50.0 ", " good ")),
        ("'snr'", "good"),
    ),
    Refused(
        "ECSV of an unknown type", _as("survey.ecsv", lambda g: g.replace_text("float64", "float4711")), ("float4711",)
    ),
    Refused(
        "VOTable with a word among numbers",
        _as("survey.vot", lambda given: given.replace_text(">50<", ">good<")),
        ("survey.vot", "'good'"),
    ),
    Refused("a definition with a key unknown", lambda g: g.define("valid", "vlaid"), ("small.toml", "vlaid")),
    Refused(
        "a definition that is no TOML", lambda given: given.define("valid = [", "valid = "), ("small.toml", "line")
    ),
    Refused(
        "a definition without labels", lambda g: g.define("[labels.FE_H]", "[label.FE_H]"), ("small.toml", "labels")
    ),
    Refused("a label in small letters", lambda given: given.define("labels.FE_H", "labels.fe_h"), ("'fe_h'", "FE_H")),
    Refused(
        "an error that is negative",
        lambda g: g.define("typical_error = 0.1", "typical_error = -0.1"),
        ("greater than",),
    ),
    Refused("a comparison unknown", lambda given: given.define('op = ">"', 'op = "=>"'), ("small.toml", "op")),
    Refused(
        "a definition that is not there",
        lambda given: setattr(given, "run", RUN.replace("small.toml", "galah_dr9")),
        ("No survey definition 'galah_dr9'", "Shipped: "),
    ),
    Refused("a run file that is no TOML", lambda given: setattr(given, "run", "[surveys.a\n"), ("run.toml", "line 1")),
    Refused(
        "a run file with a key unknown",
        lambda given: setattr(given, "run", RUN + "[ingest]\nrows_per_blok = 5\n"),
        ("rows_per_blok", "run.toml"),
    ),
)
EXPRESSIONS = (
    Refused("a function that stdask does not have", _label("sqr(feh)"), ("'sqr(feh)' is not possible", "sqrt, abs")),
    Refused("an expression that ends too soon", _label("feh +"), ("'feh +' cannot be read at its end",)),
    Refused("an expression that is code", _label("__import__('os')"), ("is not possible",)),
    Refused("an expression too long", _label("feh" + " + 0" * 500), ("has 2,003 characters", "at most 2,000")),
    Refused(
        "an expression with a column that is not there",
        _label("fehh - 0.1 * snr"),
        ("'fehh - 0.1 * snr'", "no column 'fehh'", "Did you mean 'feh'"),
    ),
    Refused(
        "a column of VizieR that is not there",
        _label("E(B-V)"),
        ("no column 'E(B-V)'", "'E(B-V)' is not possible"),
    ),
    Refused("text in a computed number", _label("feh + id"), ("'feh + id'", "'id' is text")),
    Refused("a part of a number", _label("substr(feh, 0, 1)"), ("'feh' is a number, and substr takes text",)),
    Refused("a condition as a label", _label("feh > 0"), ("Column 'feh > 0': logicals, no numbers",)),
    Refused(
        "a sum of units that do not fit",
        lambda given: (_label("ra + snr")(given), _unit(given, ra="deg", snr="K")),
        ("'ra' is in 'deg', 'snr' in 'K'",),
    ),
    Refused(
        "a computed unit that is no unit of it",
        lambda given: (_label("ra / snr")(given), _unit(given, ra="deg", snr="K")),
        ("Column 'ra / snr': unit 'deg / K' cannot be converted to 'dex'",),
    ),
    Refused(
        "vectors in an expression",
        lambda given: (_label("feh - 1")(given), _fits_column("3D", np.zeros((N_STARS, 3)))(given)),
        ("'feh - 1'", "3 values a row", "feh[0] to feh[2]"),
    ),
    Refused("a computed id", lambda g: g.define('id = "id"', 'id = "gaia + 1"'), ("id = 'gaia + 1' is an expression",)),
    Refused(
        "a computed position",
        lambda given: setattr(given, "definition", DEFINITION + '[position]\nra = "15 * ra"\n'),
        ("position.ra = '15 * ra' is an expression", "Name a column"),
    ),
    Refused(
        "a cut of a computed number with text",
        lambda given: given.define('"snr", op = ">", value = 20', '"2 * snr", op = "=", value = "good"'),
        ("compares column '2 * snr'",),
    ),
    Refused(
        "bits of a computed number", lambda g: g.define('"flag"', '"flag + 0"'), ("asks for bits", "an integer column")
    ),
    Refused(
        "one percentile of two",
        lambda given: given.define('error = "e_feh"', 'percentile_16 = "e_feh"'),
        ("`percentile_16` and `percentile_84` together",),
    ),
    Refused(
        "percentiles and an error",
        lambda g: g.define('error = "e_feh"', 'error = "e_feh"\npercentile_16 = "feh"\npercentile_84 = "snr"'),
        ("one kind of error",),
    ),
    Taken(
        "computed labels of which a part is NaN or -9999",
        lambda given: (_label("feh - 0 * snr")(given), given.put("snr", NAN, -9999), given.put("feh", 99999, row=2)),
        lost={"n_missing": 3},
    ),
    Taken("a division by zero", _label("feh / (snr - 50)"), lost={"n_infinite": 12}),
    Taken("the root of a negative number", _label("sqrt(-snr)"), lost={"n_missing": 12}),
)
ROWS = (
    Refused(
        "no position at all", lambda given: given.put("ra", *[NAN] * N_STARS), ("no row has both a position and an id",)
    ),
    Refused("no id at all", lambda given: given.put("id", *[""] * N_STARS), ("no row has both a position and an id",)),
    Taken("positions NaN, infinite", lambda given: given.put("ra", NAN, INF, -INF), {"no position": 3}),
    Taken("ra of 400, -10, 1e30", lambda given: given.put("ra", 400, -10, 1e30), {"impossible position": 3}),
    Taken("dec of 95, -9999", lambda given: given.put("dec", 95, -9999), {"impossible position": 2}),
    Taken("ra of 360", lambda given: given.put("ra", 360)),
    Taken("the poles", lambda given: given.put("dec", 90, -90)),
    Taken("ids of blanks, and none", lambda given: given.put("id", "", "   "), {"no id": 2}),
    Taken("ids masked", lambda given: _masked(given, "id", [3, 4], ""), {"no id": 2}),
    Taken(
        "no id and no position",
        lambda given: (given.put("id", ""), given.put("ra", NAN)),
        {"no position": 1},
    ),
    Taken(
        "an id twice, of two stars of Gaia",
        lambda given: given.put("id", "star 007"),
        {"duplicate id": 1},
    ),
    Taken(
        "a star three times: the row of best snr is kept",
        lambda given: (given.put("gaia", 5, 5, 5), given.put("snr", 60, NAN, 70)),
        {"duplicate star": 2},
    ),
    Taken("Gaia ids of 0 and -1: no star of Gaia, and no repeats", lambda g: g.put("gaia", 0, 0, -1, -1), {}),
    Taken("Gaia ids masked (TNULL)", lambda given: _masked(given, "gaia", [0, 1, 2], -99)),
    Taken("Gaia ids of 19 digits, one apart", lambda g: g.put("gaia", 6917528997577384320, 6917528997577384321)),
    Taken(
        "ids in another script, with commas, quotes and line ends",
        _as("survey.csv", lambda given: given.put("id", 'ж,"я', "星", "a\nb")),
    ),
    Taken("labels NaN", lambda given: given.put("feh", NAN, NAN), lost={"n_missing": 2}),
    Taken("labels infinite, or too large", lambda given: given.put("feh", INF, -INF, 1e39), lost={"n_infinite": 3}),
    Taken("labels of -9999, -999", lambda given: given.put("feh", -9999, -999), lost={"n_sentinel": 2}),
    Taken("labels of 1e30, 99", lambda given: given.put("feh", 1e30, 7), lost={"n_outside": 2}),
    Taken("no label at all", lambda given: given.put("feh", *[NAN] * N_STARS), lost={"n_missing": 12}),
    Taken(
        "errors NaN, infinite, zero, negative, -9999",
        lambda given: given.put("e_feh", NAN, INF, 0, -0.1, -9999),
        lost={"n_typical_error": 5},
    ),
    Taken("numbers of mixed byte order and width", _swapped_bytes),
    Taken("CSV with line ends of Windows", _as("survey.csv", lambda given: given.replace_text("\n", "\r\n"))),
    Taken("CSV with a byte-order mark", _as("survey.csv", lambda given: given.replace_text("id,", "\ufeffid,"))),
    Taken(
        "CSV with words for missing values",
        _as(
            "survey.csv",
            lambda given: (
                given.put("feh", 7.25, 7.5, 7.75),
                given.replace_words("7.25", "None", "7.5", "--", "7.75", "\\N"),
            ),
        ),
        lost={"n_missing": 3},
    ),
    Taken(
        "CSV with a word of its own for missing values",
        _as(
            "survey.csv",
            lambda given: (
                _file('null = ["unknown"]')(given),
                given.put("feh", 7.25),
                given.replace_text("7.25", "unknown"),
            ),
        ),
        lost={"n_missing": 1},
    ),
    Taken("Gaia ids of None", lambda given: (given.retype("gaia", "U20"), given.put("gaia", "None", "nan", ""))),
    Taken(
        "a wrong unit of the file that the definition overrules",
        lambda given: (setattr(given.stars["feh"], "unit", "adu"), _file('units = { feh = "dex" }')(given)),
    ),
    Taken(
        "a format in the run file, instead of another one in the definition",
        _as(
            "survey.csv",
            lambda given: (
                _file('null = ["other"], delimiter = "|"')(given),
                given.put("feh", 7.25),
                given.replace_text("7.25", "unknown"),
                setattr(given, "run", RUN.replace('"FILE"', '{ path = "FILE", null = ["unknown"], delimiter = "," }')),
            ),
        ),
        lost={"n_missing": 1},
    ),
    Taken("Parquet with a column of nulls", _arrow("feh", pa.nulls(N_STARS)), lost={"n_missing": 12}),
)

"""Survey files: the same table from all formats, packed or not, rows by slices, and errors that name the remedy."""

import bz2
import gzip
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from pyarrow import feather

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

GAIA_ID = 2**62 + 1  # float64 would round it to an even number
PLAIN = ("fits", "parquet", "csv", "ecsv", "vot", "h5", "feather")
WHOLE = ("parquet", "h5", "feather")  # read from their end, or in parts: not packed
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": lambda b: pa.compress(b, "zstd", True)}
PACKED = tuple(f"{extension}.{suffix}" for extension in PLAIN if extension not in WHOLE for suffix in PACK)
FORMATS = (*PLAIN, *PACKED)


@pytest.fixture(scope="module")
def table() -> Table:
    """Ten stars with all that goes wrong between formats: long integers, nulls, NaN, padded, blank text."""
    names = [f" star {n} " if n != 4 else "" for n in range(10)]
    return Table(
        {
            "source_id": GAIA_ID + 2 * np.arange(10),
            "name": names,
            "n_obs": MaskedColumn(np.arange(10), mask=np.arange(10) == 3, fill_value=-99),
            "teff": np.where(np.arange(10) == 5, np.nan, 4000.25 + np.arange(10)) * u.K,
            "rv": np.linspace(-300, 300, 10) * u.km / u.s,
        }
    )


@pytest.fixture(scope="module")
def folder(table: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table in a file of each format."""
    folder = tmp_path_factory.mktemp("formats")
    table.write(folder / "stars.fits")
    table.write(folder / "stars.ecsv")
    table.write(folder / "stars.vot", format="votable")
    table.write(folder / "stars.csv", format="ascii.csv")
    table.write(folder / "stars.h5", path="stars", serialize_meta=True)
    columns = {name: pa.array(table[name].tolist()) for name in table.colnames}
    fields = [
        pa.field(name, column.type, metadata={"unit": str(table[name].unit or "")}) for name, column in columns.items()
    ]
    stored = pa.table(list(columns.values()), schema=pa.schema(fields))
    pq.write_table(stored, folder / "stars.parquet", row_group_size=3)
    feather.write_feather(stored, folder / "stars.feather", chunksize=3)
    for extension in PACKED:
        plain, suffix = extension.split(".")
        (folder / f"stars.{extension}").write_bytes(PACK[suffix]((folder / f"stars.{plain}").read_bytes()))
    return folder


@pytest.fixture(scope="module")
def expected(table: Table) -> pa.Table:
    return pa.table(
        {
            "source_id": pa.array([GAIA_ID + 2 * n for n in range(10)], pa.int64()),
            "name": pa.array([f"star {n}" if n != 4 else None for n in range(10)]),
            "n_obs": pa.array([n if n != 3 else None for n in range(10)], pa.int64()),
            "teff": pa.array(np.asarray(table["teff"])),
            "rv": pa.array(np.asarray(table["rv"])),
        }
    )


def same(one: pa.Table, other: pa.Table) -> bool:
    """Tell whether two tables are equal, NaN being equal to NaN."""
    bits = [
        pa.table(
            {
                n: c.combine_chunks().view(pa.int64()) if c.type == pa.float64() else c
                for n, c in zip(t.column_names, t.columns, strict=True)
            }
        )
        for t in (one, other)
    ]
    return bits[0].equals(bits[1])


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_gives_the_same_columns(extension: str, folder: Path, expected: pa.Table):
    survey = open_survey(folder / f"stars.{extension}")
    assert survey.n_rows == 10
    assert list(survey.columns) == expected.column_names
    assert same(survey.read(expected.column_names), expected)


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (2, 7), (3, 6), (9, 10), (8, 50), (4, 4)])
def test_a_slice_is_those_rows_of_the_whole(extension, start, stop, folder: Path, expected: pa.Table):
    part = open_survey(folder / f"stars.{extension}").read(["teff", "name"], start, stop)
    assert same(part, expected.select(["teff", "name"])[start:stop])


@pytest.mark.parametrize("extension", [e for e in FORMATS if not e.startswith("csv")])
def test_units_are_kept_where_the_format_has_them(extension: str, folder: Path):
    columns = open_survey(folder / f"stars.{extension}").columns
    assert u.Unit(columns["rv"]) == u.km / u.s
    assert u.Unit(columns["teff"]) == u.K
    assert columns["name"] == ""


def test_a_parquet_file_written_by_astropy_keeps_its_units(table: Table, tmp_path: Path):
    table.write(tmp_path / "stars.parquet")
    assert u.Unit(open_survey(tmp_path / "stars.parquet").columns["rv"]) == u.km / u.s


def test_the_real_lamost_file_reads_as_astropy_reads_it(data_dir: Path):
    path = data_dir / "lamost_dr3_kgiants.fits"
    reference = Table.read(path)
    survey = open_survey(path)
    assert survey.n_rows == len(reference)
    read = survey.read(["obsid", "teff", "dist_kpc"], 5000, 9000)
    for name in read.column_names:
        assert read.column(name).to_pylist() == reference[name][5000:9000].tolist()


def test_a_missing_column_names_the_nearest_one_and_the_file(folder: Path):
    with pytest.raises(SurveyError, match=r"stars\.fits has no column 'tefff'\. Did you mean 'teff'\?"):
        open_survey(folder / "stars.fits").read(["tefff"])
    with pytest.raises(SurveyError, match="It has source_id, name"):
        open_survey(folder / "stars.csv").read(["xyzzy"])


@pytest.mark.parametrize("suffix", [".fits", ".csv", ".parquet", ".ecsv", ".vot"])
def test_a_column_is_found_whatever_its_capital_letters(tmp_path: Path, suffix: str):
    path = tmp_path / f"stars{suffix}"
    formats = {".csv": "ascii.csv", ".vot": "votable"}
    Table({"SOURCE_ID": [7, 8], "Teff": [5000.0, 4000.0]}).write(path, format=formats.get(suffix))
    survey = open_survey(path)
    assert survey.has("source_id")
    assert survey.read(["TEFF", "source_id"]).to_pydict() == {"TEFF": [5000.0, 4000.0], "source_id": [7, 8]}
    survey.copy(["source_id"], tmp_path / "copy.parquet")
    assert list(open_survey(tmp_path / "copy.parquet").columns) == ["source_id"]


def test_capital_letters_count_where_two_columns_differ_in_them_alone(tmp_path: Path):
    pq.write_table(pa.table({"M_H": [0.1], "m_h": [0.2]}), tmp_path / "stars.parquet")
    survey = open_survey(tmp_path / "stars.parquet")
    assert survey.read(["m_h", "M_H"]).to_pydict() == {"m_h": [0.2], "M_H": [0.1]}
    assert not survey.has("M_h")


def test_a_missing_file_and_an_empty_folder_are_told_apart(tmp_path: Path):
    with pytest.raises(SurveyError, match=r"No survey file .*nowhere\.fits"):
        open_survey(tmp_path / "nowhere.fits")
    with pytest.raises(SurveyError, match="has no files"):
        open_survey(tmp_path)


@pytest.mark.parametrize("extension", FORMATS)
def test_an_empty_file_is_refused(extension: str, tmp_path: Path):
    path = tmp_path / f"stars.{extension}"
    path.touch()
    with pytest.raises(SurveyError, match="is empty"):
        open_survey(path)


@pytest.mark.parametrize("extension", [*PACKED, *WHOLE, "vot", "ecsv"])
def test_a_file_cut_off_is_refused(extension: str, folder: Path, tmp_path: Path):
    whole = (folder / f"stars.{extension}").read_bytes()
    path = tmp_path / f"stars.{extension}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SurveyError, match=r"stars\..*(is cut off|[Ff]etch (the file|it) again|Correct this line)"):
        open_survey(path).read(["rv"])


@pytest.mark.parametrize("extension", FORMATS)
def test_a_copy_can_be_read_by_slices(extension: str, folder: Path, expected: pa.Table, tmp_path: Path):
    open_survey(folder / f"stars.{extension}").copy(expected.column_names, tmp_path / "copy")
    survey = open_survey(tmp_path / "copy")
    assert survey.by_slices
    assert same(survey.read(expected.column_names), expected)


def test_a_definition_names_the_format_where_the_name_of_the_file_does_not(folder: Path, expected: pa.Table, tmp_path):
    (tmp_path / "stars.bin").write_bytes((folder / "stars.csv.gz").read_bytes())
    with pytest.raises(SurveyError, match=r'stars\.bin is no format .*\[file\] format = "csv"'):
        open_survey(tmp_path / "stars.bin")
    assert same(open_survey(tmp_path / "stars.bin", FileHints(format="csv")).read(expected.column_names), expected)


def test_a_fits_table_cut_off_in_its_rows_is_refused_at_once(folder: Path, tmp_path: Path):
    with fits.open(folder / "stars.fits") as hdus:
        first_row = hdus[1].fileinfo()["datLoc"]
    (tmp_path / "stars.fits").write_bytes((folder / "stars.fits").read_bytes()[: first_row + 100])
    with pytest.raises(SurveyError, match=r"stars\.fits is cut off"):
        open_survey(tmp_path / "stars.fits")


@pytest.mark.parametrize("extension", PLAIN)
def test_a_table_without_rows_is_refused(extension: str, table: Table, tmp_path: Path):
    path = tmp_path / f"stars.{extension}"
    if extension == "feather":
        feather.write_feather(pa.table({"teff": pa.array([], pa.float64())}), path)
    else:
        named = {
            "vot": {"format": "votable"},
            "csv": {"format": "ascii.csv"},
            "h5": {"path": "stars", "serialize_meta": True},
        }
        table[:0].write(path, **named.get(extension, {}))
    with pytest.raises(SurveyError, match="has no rows"):
        open_survey(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path):
    (tmp_path / "stars.txt").write_text("1 2 3\n")
    with pytest.raises(SurveyError, match="no format that stdask reads"):
        open_survey(tmp_path / "stars.txt")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(SurveyError, match=r"ragged\.csv"):
        open_survey(tmp_path / "ragged.csv")


def test_a_column_of_arrays_is_refused_only_when_it_is_read(tmp_path: Path):
    Table({"a": np.arange(3), "spectrum": np.ones((3, 4))}).write(tmp_path / "a.fits")
    survey = open_survey(tmp_path / "a.fits")
    assert survey.read(["a"]).num_rows == 3
    with pytest.raises(SurveyError, match=r"a\.fits: column 'spectrum'"):
        survey.read(["spectrum"])


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes of a file with some flipped, cut out, doubled, or cut off."""
    changed = bytearray(content)
    start = int(rng.integers(len(changed)))
    stop = start + int(rng.integers(1, 200))
    match rng.integers(4):
        case 0:
            for place in rng.integers(len(changed), size=rng.integers(1, 20)):
                changed[place] ^= 1 << int(rng.integers(8))
        case 1:
            del changed[start:stop]
        case 2:
            changed[start:start] = changed[start:stop]
        case 3:
            del changed[start:]
    return bytes(changed)


def check_damaged(extension: str, seeds: range, folder: Path, tmp_path: Path) -> None:
    """Open and read damaged files: a table or an error in words, and nothing else."""
    content = (folder / f"stars.{extension}").read_bytes()
    path = tmp_path / f"stars.{extension}"
    untold = []
    for seed in seeds:
        path.write_bytes(damaged(content, np.random.default_rng(seed)))
        try:
            survey = open_survey(path)
            for name in survey.columns:
                survey.read([name])
        except SurveyError as exc:
            untold += [seed] if str(path) not in str(exc) else []
        except Exception as exc:
            exc.add_note(f"seed {seed}")
            raise
    assert untold == []


@pytest.mark.parametrize("extension", [*PLAIN, "fits.gz", "csv.zst"])
def test_a_damaged_file_is_read_or_refused_in_words(extension: str, folder: Path, tmp_path: Path):
    check_damaged(extension, range(20), folder, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("extension", FORMATS)
def test_many_damaged_files_are_read_or_refused_in_words(extension: str, folder: Path, tmp_path: Path):
    check_damaged(extension, range(100, 300), folder, tmp_path)


COPY = """
import sys
from pathlib import Path
from stdask.storage.surveys.files import open_survey
survey = open_survey(Path(sys.argv[1]))
survey.copy(sys.argv[2:], Path(sys.argv[1]).with_name("copy"))
# of this process alone: getrusage counts what the one that started it had
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(survey.n_rows, int(peak.split()[1]) / 1024)
"""


def peak_of_copy(path: Path, names: list[str]) -> tuple[int, float]:
    """Return the rows of a file and the most memory in MB that a process takes which copies some of its columns."""
    done = subprocess.run([sys.executable, "-c", COPY, path, *names], capture_output=True, text=True, check=True)
    n_rows, peak = done.stdout.split()
    return int(n_rows), float(peak)


@pytest.mark.slow
@pytest.mark.parametrize(("extension", "n_rows"), [("csv", 300_000), ("csv.gz", 300_000), ("fits", 300_000)])
def test_the_memory_does_not_grow_with_the_file(extension: str, n_rows: int, tmp_path: Path):
    peaks = []
    for factor in (1, 10):
        path = tmp_path / f"{factor}.{extension}"
        write_large(path, n_rows * factor)
        found, peak = peak_of_copy(path, ["id", "name", "x"])
        assert found == n_rows * factor
        peaks.append(peak)
    # the 2.7 million rows more are 95 MB as a table; Arrow's pool keeps what it once had, 10 to 40 MB more here
    assert peaks[1] < peaks[0] + 70


def write_large(path: Path, n_rows: int) -> None:
    """Write a table of 40 bytes a row: the float comes only in the last one."""
    rows = (f"{GAIA_ID + n},star {n:010d},{n if n < n_rows - 1 else 0.5}\n" for n in range(n_rows))
    if path.suffix == ".fits":
        names = np.char.add("star ", np.arange(n_rows).astype(str))
        Table({"id": GAIA_ID + np.arange(n_rows), "name": names, "x": np.arange(n_rows) / 2}).write(path)
        return
    with gzip.open(path, "wt", 1) if path.suffix == ".gz" else path.open("w") as file:
        file.write("id,name,x\n")
        file.writelines(rows)

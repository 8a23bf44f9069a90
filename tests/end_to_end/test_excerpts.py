"""Excerpts of published surveys become catalogues by the definitions that are proposed for them, with no line edited.

The truth is what astropy reads in the same file.
"""

import tomllib
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_array_equal

from stdask.cluster.workers import Workers
from stdask.config.run import load_run
from stdask.config.survey import SurveyDefinition
from stdask.errors import SurveyError
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import to_numpy
from stdask.tools.survey.check import check
from stdask.tools.survey.new import propose

RUN = """
output = "unused"
[surveys.a]
definition = "mine.toml"
file = "{file}"
[surveys.b]
definition = "apogee_dr17_giants"
file = "none.parquet"
[pair]
match = {{ by = "position" }}
[[train.intrinsic]]
label = "{label}"
from = "{source}"
"""
NAMES_IN_B = {"RV": "VHELIO"}


class Excerpt(NamedTuple):
    """An excerpt, and its format as astropy calls it, where astropy cannot tell it."""

    file: str
    format: str | None = None


EXCERPTS = [
    Excerpt("Galah_data_filtered_1061.csv", "fits"),  # GALAH DR3 with its value-added columns; a FITS file by content
    Excerpt("apogee_sgr.fits"),  # APOGEE DR16
    Excerpt("aspgap_omegacen.fits"),  # a table of the CDS, matched with Gaia DR3
    Excerpt("gdr2_sm.vot", "votable"),  # Gaia DR2 from the archive
    Excerpt("holmbeck20_mrt.txt", "ascii.fixed_width_two_line"),  # velocities and abundances of r-process stars
    Excerpt("hq_test_allStar_a.fits"),  # APOGEE DR14
    Excerpt("lamost_AFG_merged_params.csv", "ascii.basic"),  # LAMOST DR10
    Excerpt("mage_rcat_V0.05.fits"),  # of the pipeline of H3
    Excerpt("mwsall_like.fits"),  # as DESI's data model has it
    Excerpt("odette_gaia.vot"),  # Gaia DR3 from the archive
    Excerpt("pn_lamost_gaia.ecsv"),  # Gaia DR3 from the CDS
    Excerpt("tgas_rave1.fits"),  # Gaia DR1 with velocities of RAVE
]
WITHOUT_LABELS = {  # what a person must fill in, or what the file lacks
    "gaia_epoch.ecsv": "labels.TEFF.column",  # light curves: it has no label to translate
    "RAVE_group_llr.ecsv": "id, position.ra, position.dec, labels.TEFF.column",  # groups of stars
    "J_AJ_130_2140_table2.dat": "J_AJ_130_2140_table2.dat",  # of the CDS, without the ReadMe that names its columns
}


@pytest.fixture
def excerpts(data_dir: Path) -> Path:
    folder = data_dir / "surveys"
    if not folder.is_dir():
        pytest.skip(f"the excerpts of surveys are not at {folder}")
    return folder


@pytest.mark.parametrize("excerpt", EXCERPTS, ids=lambda excerpt: excerpt.file)
def test_labels_are_those_that_astropy_reads(excerpts: Path, tmp_path: Path, client: Workers, excerpt: Excerpt):
    path = excerpts / excerpt.file
    text = propose(path)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    definition = SurveyDefinition.model_validate(tomllib.loads(text))
    first = next(iter(definition.labels))
    run_file = RUN.format(file=excerpt.file, label=NAMES_IN_B.get(first, first), source=first)
    (tmp_path / "run.toml").write_text(run_file)
    run = load_run(tmp_path / "run.toml", excerpts, tmp_path / "out")
    ingest.run(run, client, "a")
    stars = open_catalogue(paths.catalogue(tmp_path / "out", definition.name)).read()
    truth = read(path, excerpt.format)
    own, ids = np.asarray(truth[definition.id]), stars[definition.id].to_pylist()
    names = [str(name).strip() for name in own.tolist()]
    rows = [rows_of(names, str(name)) for name in ids]
    single = np.array([len(own) == 1 for own in rows])
    assert single.sum() > 0.5 * len(rows)
    numbers = np.array([own[0] for own in rows])
    for label, column in definition.labels.items():
        expected = measured(truth, column.column, definition.sentinels)[numbers]
        low, high = column.valid or (-np.inf, np.inf)
        expected[(expected < low) | (expected > high)] = np.nan
        for term in column.good:
            expected[np.asarray(truth[term.columns[0]])[numbers] != term.value] = np.nan
        assert_array_equal(to_numpy(stars, label)[single], expected.astype(np.float32)[single])


def rows_of(names: list[str], name: str) -> list[int]:
    return [row for row, own in enumerate(names) if own == name]


def read(path: Path, format_: str | None) -> Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that astropy does not know
        table = Table.read(path, format=format_) if format_ else Table.read(path)
    table.convert_bytestring_to_unicode()
    return table


def measured(table: Table, column: str, sentinels: tuple[float, ...]) -> np.ndarray:
    """Return a column as numbers, NaN where it is missing."""
    values = np.ma.filled(np.ma.asarray(table[column]).astype(np.float64), np.nan)
    return np.where(np.isin(values, sentinels), np.nan, values)


@pytest.mark.parametrize(("file", "named"), WITHOUT_LABELS.items())
def test_what_is_no_survey_of_labels_is_told(excerpts: Path, file: str, named: str):
    with pytest.raises(SurveyError, match=named.replace(".", r"\.")):
        check(SurveyDefinition.model_validate(tomllib.loads(propose(excerpts / file))), excerpts / file, 100)

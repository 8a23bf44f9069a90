"""Kiel and abundance diagrams of a hand-made merged catalogue against numpy."""

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal

from stdask import schema
from stdask.config.training import LabelConfig
from stdask.stages.atlas.planes import diagrams as atlas_diagrams
from stdask.stages.atlas.planes.diagrams import CHEMISTRY, HEIGHT_EDGES_KPC, KIEL, diagrams, planes_of, write_diagrams
from stdask.stages.atlas.samples import SurveyPair
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from tests.hand_made import LABEL_B, A, B, definition, make_run, write_catalogue

N_STARS = 12_000
RINGS = tuple(range(0, 15, 2))  # the default of [atlas]
COLUMNS = (
    schema.SURVEY,
    *schema.POSITION,
    *(c for label in LABEL_B for c in schema.merged_columns(label)),
    *schema.GALACTOCENTRIC,
)
FILES = ["diagram_kiel.fits", "diagram_kiel.png", "diagram_kiel.pdf"]
FILES += [name.replace("kiel", "abundances") for name in FILES]


def disc(seed=5):
    """Return giants and dwarfs in and beyond the cells, some without a label or a distance."""
    rng = np.random.default_rng(seed)
    metals, logg = rng.normal(-0.2, 0.3, N_STARS), rng.uniform(0.5, 4.8, N_STARS)
    data = {column.name: np.full(N_STARS, np.nan) for column in COLUMNS} | {
        "SURVEY": np.where(rng.random(N_STARS) < 0.4, A, B).astype(object),
        "ra": rng.uniform(0, 360, N_STARS),
        "dec": rng.uniform(-80, 80, N_STARS),
        "TEFF": 3900 + 400 * logg + rng.normal(0, 100, N_STARS),
        "LOGG": logg,
        "FE_H": metals,
        "MG_FE": 0.1 - 0.2 * metals + rng.normal(0, 0.05, N_STARS),
        "R_GC": rng.uniform(0, 16, N_STARS),
        "Z_GC": rng.laplace(0, 0.7, N_STARS),
    }
    data["LOGG"][:40] = np.nan
    data["MG_FE"][30:90] = np.nan
    data["R_GC"][80:120] = data["Z_GC"][80:120] = np.nan
    data["TEFF"][120:130] = 9000.0  # beyond the diagram
    for label in ("TEFF", "LOGG", "FE_H", "MG_FE"):  # translated stars have the scatter of those of B
        scatter = np.where(data["SURVEY"] == A, 0.1 * np.nanstd(data[label]), 0.0) * rng.normal(size=N_STARS)
        data[f"{label}_SAMPLE"] = data[label] + scatter
    return {name: v if v.dtype == object else v.astype(np.float32) for name, v in data.items()}


def drawn(client, catalogue, run):
    return diagrams(client, catalogue, SurveyPair.of(run), run.config.atlas)


def written(found, run, key="key"):
    return write_diagrams(found, paths.products(run.output), SurveyPair.of(run), run.config.atlas.select, key)


def prepare(tmp_path, data, most=2000, run=None, **settings):
    run = run or make_run(tmp_path, atlas=settings)
    write_catalogue(run, paths.MERGED, COLUMNS, data, most)
    return run, open_catalogue(paths.catalogue(run.output, paths.MERGED))


@pytest.fixture(scope="module")
def done(tmp_path_factory, client):
    """A run, the stars of its merged catalogue, and their diagrams."""
    data = disc()
    run, catalogue = prepare(tmp_path_factory.mktemp("diagrams"), data)
    return run, data, drawn(client, catalogue, run)


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures undrawn: for tests of the counts."""
    monkeypatch.setattr(atlas_diagrams, "write_figures", lambda *_: [])
    monkeypatch.setattr(atlas_diagrams, "draw_diagrams", lambda *_: None)


def expected(data, labels, grid, kept, survey, part, ring):
    """Return numpy's histogram of the samples of one survey in one cell; cuts are on the labels themselves."""
    height = np.abs(data["Z_GC"])
    kept = kept & (data["SURVEY"] == survey) & (data["R_GC"] >= RINGS[ring]) & (data["R_GC"] < RINGS[ring + 1])
    kept &= (height >= HEIGHT_EDGES_KPC[part]) & (height < HEIGHT_EDGES_KPC[part + 1])
    across, up = (data[f"{label}_SAMPLE"][kept].astype(float) for label in labels)
    return np.histogram2d(up, across, bins=grid.edges[::-1])[0]


@pytest.mark.parametrize(
    ("name", "labels", "grid"),
    [("kiel", ("TEFF", "LOGG"), KIEL), ("abundances", ("FE_H", "MG_FE"), CHEMISTRY)],
)
def test_every_bin_of_every_cell_holds_numpys_number_of_stars(done, name, labels, grid):
    _, data, found = done
    # the abundances are those of giants alone; the Kiel diagram shows where giants were told from dwarfs
    giants = (data["LOGG"] > 1.5) & (data["LOGG"] < 2.5)
    kept = giants if name == "abundances" else np.ones(N_STARS, dtype=bool)
    counts = found.counts[name]
    assert counts.dtype == np.int64
    assert counts.sum() > 1000
    for sample, survey in enumerate((A, B)):
        for part in range(3):
            for ring in range(7):
                assert_array_equal(counts[sample, part, ring], expected(data, labels, grid, kept, survey, part, ring))


def test_a_cut_on_another_label_holds_in_both_diagrams(tmp_path, client):
    data = disc()
    run, catalogue = prepare(tmp_path, data, select={"FE_H": (-0.2, 0.0)})
    found = drawn(client, catalogue, run)
    kept = (data["FE_H"] > np.float32(-0.2)) & (data["FE_H"] < 0)
    for name, labels, grid in (("kiel", ("TEFF", "LOGG"), KIEL), ("abundances", ("FE_H", "MG_FE"), CHEMISTRY)):
        assert_array_equal(found.counts[name][1, 0, 3], expected(data, labels, grid, kept, B, 0, 3))


@pytest.mark.usefixtures("undrawn")
def test_files_do_not_depend_on_the_partitioning(done, tmp_path, client):
    run, data, found = done
    other, catalogue = prepare(tmp_path, data, most=N_STARS)
    again = drawn(client, catalogue, other)
    written(found, run)
    written(again, other)
    for name in (name for name in FILES if name.endswith(".fits")):
        assert (paths.products(run.output) / name).read_bytes() == (paths.products(other.output) / name).read_bytes()


def test_files_hold_both_samples_and_where_they_come_from(done):
    run, _, found = done
    outputs = written(found, run, "key of the stage")
    assert sorted(path.name for path in outputs) == sorted(FILES)
    with fits.open(outputs[3]) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["A_ONLY", "ALONE"]
        assert_array_equal(hdus["A_ONLY"].data, found.counts["abundances"][0])
        assert hdus[0].header["SELECT1"] == "1.5 < LOGG < 2.5"
        assert hdus[0].header["STAGEKEY"] == "key of the stage"
    assert "SELECT1" not in fits.getheader(outputs[0])


def test_a_plane_whose_labels_b_does_not_measure_is_left_out_and_said(tmp_path, client):
    run = make_run(tmp_path, atlas={"select": {}})
    run = run.model_copy(update={"definition_b": definition(B, "apogee_id", ("TEFF", "FE_H", "MG_FE"))})
    found = drawn(client, prepare(tmp_path, disc(), run=run)[1], run)
    assert [plane.name for plane in found.planes] == ["abundances"]
    assert found.notes == ("APOGEE DR17 does not measure LOGG: no diagram of the kiel plane",)


def test_a_survey_without_a_label_is_said(tmp_path, client):
    data = disc()
    data["MG_FE_SAMPLE"][data["SURVEY"] == A] = np.nan
    run, catalogue = prepare(tmp_path, data)
    found = drawn(client, catalogue, run)
    assert [plane.name for plane in found.planes] == ["kiel", "abundances"]
    assert found.notes == ("abundances diagram: no selected star of LAMOST DR3 with FE_H and MG_FE",)


def test_without_a_star_in_the_cells_there_is_nothing_to_write(tmp_path, client):
    data = disc()
    data["R_GC"][:] = np.nan
    run, catalogue = prepare(tmp_path, data)
    found = drawn(client, catalogue, run)
    assert written(found, run) == []
    assert found.notes[0] == "no selected star with TEFF and LOGG in the cells: no diagram of the kiel plane"


@pytest.mark.parametrize(
    ("measured", "translated", "labels"),
    [
        (("FE_H", "M_H", "MG_FE"), "M_H", ("M_H", "MG_FE")),  # A is on the scale of M_H alone
        (("FE_H", "M_H", "MG_FE"), "FE_H", ("FE_H", "MG_FE")),
        (("M_H", "ALPHA_FE"), "ALPHA_FE", ("M_H", "ALPHA_FE")),
    ],
)
def test_the_metallicity_that_a_is_translated_to_is_drawn(tmp_path, measured, translated, labels):
    run = make_run(tmp_path)
    train = run.config.train.model_copy(update={"intrinsic": (LabelConfig(label=translated),)})
    config = run.config.model_copy(update={"train": train})
    run = run.model_copy(update={"config": config, "definition_b": definition(B, "apogee_id", measured)})
    (plane,), _ = planes_of(SurveyPair.of(run), run.config.atlas.select)
    assert plane.labels == labels

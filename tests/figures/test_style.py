"""Quantities are written as the field writes them, and figures of every kind fit a printed page."""

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib import rc_context, rcParams
from matplotlib.figure import Figure

from stdask.figures.assessment.coverage import draw_coverage
from stdask.figures.assessment.domain import draw_domain
from stdask.figures.assessment.importance import draw_importance
from stdask.figures.assessment.populations import draw_populations
from stdask.figures.assessment.residuals import draw_residuals
from stdask.figures.assessment.training import draw_learning_curves
from stdask.figures.diagrams import GalaxyCells, draw_diagrams
from stdask.figures.parameter_space import PlaneRow, draw_parameter_space
from stdask.figures.separations import draw_separations
from stdask.figures.sky import draw_sky
from stdask.figures.style import PrintedFigure, symbol, unit_of, with_unit
from stdask.schema.evaluation import ATLAS, CATALOGUE
from stdask.science.galaxy.density import PlaneGrid
from stdask.storage.documents import write_figure
from tests.figures.printing import check_print


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TEFF", r"$T_{\rm eff}$"),
        ("MG_FE", "[Mg/Fe]"),
        ("BP_G_0", "(BP \N{MINUS SIGN} G)$_0$"),
        ("NI_FE", "NI_FE"),
        ("M_KS", r"$M_{\rm Ks}$"),
        ("J_KS_0", "(J \N{MINUS SIGN} Ks)$_0$"),
        ("M_MINE", "M_MINE"),
    ],
)
def test_a_quantity_has_its_symbol_and_an_unknown_one_its_name(name: str, expected: str) -> None:
    assert symbol(name) == expected


def test_an_axis_shows_its_unit_unless_it_is_dex() -> None:
    assert with_unit(symbol("TEFF"), unit_of("TEFF")) == r"$T_{\rm eff}$ [K]"
    assert with_unit(symbol("FE_H"), unit_of("FE_H")) == "[Fe/H]"
    assert with_unit(symbol("G_RP_0"), unit_of("G_RP_0")).endswith(" [mag]")
    assert with_unit(symbol("M_G"), unit_of("M_G")) == r"$M_{\rm G}$ [mag]"
    assert with_unit(symbol("M_INI"), unit_of("M_INI", "solMass")) == "M_INI [solMass]"
    assert with_unit(symbol("AGE"), unit_of("AGE", "Gyr")) == "AGE [Gyr]"


def test_a_saved_figure_has_fonts_that_journals_accept_whatever_the_session_is_set_to(tmp_path: Path) -> None:
    page = tmp_path / "figure.pdf"
    with rc_context({"pdf.fonttype": 3}):
        figure = PrintedFigure((2, 1))
        figure.text(0.1, 0.5, r"[Fe/H], $T_{\rm eff}$")
        figure.savefig(page, format="pdf")
        assert rcParams["pdf.fonttype"] == 3
    content = page.read_bytes()
    assert b"/Subtype /Type3" not in content
    assert b"/FontFile2" in content  # TrueType outlines, which is type 42


# Settings of a session that change every figure: in size, letters, lines and layout, and how it is written.
HOSTILE = {
    "axes.facecolor": "black",
    "axes.grid": True,
    "axes.formatter.limits": [-1, 1],
    "figure.dpi": 37.0,
    "font.family": ["serif"],
    "image.interpolation": "bicubic",
    "lines.marker": "x",
    "mathtext.fontset": "stix",
    "path.sketch": (1.0, 100.0, 2.0),
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "text.usetex": True,
    "xtick.color": "red",
}


def histogram() -> Figure:
    return draw_separations(np.linspace(0, 1.9, 200), np.arange(200) % 10 == 0, radius=2.0, n_chance=4.0)


DRAW = """
import sys
from pathlib import Path
import numpy as np
from stdask.figures.separations import draw_separations
from stdask.storage.documents import write_figure

figure = draw_separations(np.linspace(0, 1.9, 200), np.arange(200) % 10 == 0, radius=2.0, n_chance=4.0)
write_figure(Path(sys.argv[1]), figure)
"""


def start(code: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, in which Matplotlib is not imported yet."""
    own = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=own)


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_a_figure_has_the_same_bytes_whatever_the_session_is_set_to(tmp_path: Path, ending: str) -> None:
    plain, hostile = (tmp_path / f"{name}.{ending}" for name in ("plain", "hostile"))
    write_figure(plain, histogram())
    with rc_context(HOSTILE):
        write_figure(hostile, histogram())
        assert {name: rcParams[name] for name in HOSTILE} == HOSTILE  # The session keeps its settings.
    assert hostile.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize(
    "content",
    ["no.such.key: 1\nlines.linewidth: thick\n", "text.usetex: True\nfont.family: serif\n"],
    ids=["unknown", "usetex"],
)
def test_a_matplotlibrc_file_changes_no_figure_and_is_not_commented_on(tmp_path: Path, content: str) -> None:
    (tmp_path / "matplotlibrc").write_text(content)
    write_figure(tmp_path / "here.png", histogram())
    done = start(DRAW, tmp_path / "there.png", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "there.png").read_bytes() == (tmp_path / "here.png").read_bytes()


def test_a_matplotlibrc_file_that_is_no_text_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_bytes(b"font.family: \xe9\n")
    done = start(DRAW, tmp_path / "there.png", cwd=tmp_path)
    assert "ConfigError: Matplotlib cannot read a file matplotlibrc" in done.stderr.splitlines()[-1]


# Every kind of figure that `evaluate`, `pair` and the planes of labels draw, with long names and many labels.
NAMES = ("LAMOST DR3 K giants in the Kepler field", "APOGEE DR17 giants of the inner Galaxy")
LABELS = ("TEFF", "LOGG", "FE_H", "MG_FE", "C_FE", "VHELIO")
INPUTS = ("TEFF", "LOGG", "FE_H", "MG_FE", "BP_G_0", "G_RP_0", "M_KS")
GRID = PlaneGrid((-2.005, -0.405), (0.1, 0.05), (30, 24))
RNG = np.random.default_rng(1)


def coverage() -> Figure:
    levels = np.tile(np.linspace(0.1, 0.9, 9)[:, None], (len(LABELS), 1, 2))
    return draw_coverage(LABELS, RNG.poisson(40, (len(LABELS), 20)), levels, levels)


def domain() -> Figure:
    n_pairs = len([*combinations(INPUTS, 2)])
    edges = np.linspace(0, 1, 6) + np.zeros((len(INPUTS), 1))
    bins, counts = RNG.random((n_pairs, 5, 5)), RNG.poisson(9, (n_pairs, 5, 5))
    return draw_domain(INPUTS, (edges, bins < 0.5), (edges, counts), RNG.random(n_pairs), NAMES[0])


def domain_of_one_input() -> Figure:
    edges, filled = np.linspace(3000, 6000, 6)[None], np.ones((1, 5, 5), dtype=np.int64)
    return draw_domain(("TEFF",), (edges, filled > 0), (edges, filled), np.array([0.01]), NAMES[0])


def importance() -> Figure:
    rows = [
        (label, kind, "inputs", group, name, 14.0, 1.5)
        for label in LABELS
        for kind in ("translated label", "correction")
        for group in ("all", "[Fe/H] < -1", "[Fe/H] > -0.4")
        for name in INPUTS
    ]
    return draw_importance(*(np.array(column) for column in zip(*rows, strict=True)))


def populations() -> Figure:
    columns = [*INPUTS[:4], "RV", "G_MAG", "BP_MAG", "EBV", *(f"{name}_ERR" for name in INPUTS[:4])]
    pairs = RNG.normal(0, 1, (200, len(columns)))
    return draw_populations(columns, ["K"] * len(columns), pairs, {CATALOGUE: pairs + 1, ATLAS: pairs[::2]})


def residuals() -> Figure:
    values = RNG.normal(4700, 200, 300)
    return draw_residuals("TEFF", values, values + 20, values + 120, "K", NAMES)


def learning_curves() -> Figure:
    members, epochs = np.repeat(np.arange(11), 20), np.tile(np.arange(20), 11)
    losses = 1 / (1.0 + epochs)
    return draw_learning_curves(members, epochs, np.where(epochs < 10, 1e-3, 1e-4), losses, 1.1 * losses)


def separations() -> Figure:
    return draw_separations(RNG.rayleigh(0.3, 500), RNG.random(500) < 0.1, radius=2.0, n_chance=4.0)


def sky() -> Figure:
    return draw_sky(RNG.poisson(0.5, (3, 768)), NAMES)


def diagrams() -> Figure:
    cells = GalaxyCells(np.arange(0.0, 15.0, 2.0), (0.0, 0.25, 0.5, 1.0, 2.0, 4.0))
    counts = np.zeros((2, *cells.shape, *GRID.shape), dtype=np.int64)
    counts[..., 10:14, 10:14] = 100
    return draw_diagrams(("FE_H", "MG_FE"), GRID, counts, cells, NAMES, {"FE_H": (-1.0, 0.5)})


def parameter_space() -> Figure:
    stars = np.zeros((3, *GRID.shape), dtype=np.int64)
    stars[:, 8:14, 8:14] = 60
    return draw_parameter_space([PlaneRow(("FE_H", "MG_FE"), GRID, stars, 10 * stars)] * 3, NAMES)


@pytest.mark.parametrize(
    "draw",
    [
        coverage,
        domain,
        domain_of_one_input,
        importance,
        populations,
        residuals,
        learning_curves,
        separations,
        sky,
        diagrams,
        parameter_space,
    ],
)
def test_it_fits_a_page(draw: Callable[[], Figure]) -> None:
    check_print(draw())

"""Which maps stand side by side, on which scales, and what is written on them."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from stdask.config.atlas import AtlasConfig
from stdask.science.galaxy.bins import MAPS, SKY, GalacticBins
from stdask.stages.atlas.figures import maps as atlas_figures
from stdask.stages.atlas.figures.maps import write_map_figures
from stdask.stages.atlas.figures.view import selected_in_words
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, HEIGHT, MERGED, RAW_ONLY, UNTRANSLATED
from tests.figures.printing import check_print

CONFIG = AtlasConfig(bin_kpc=0.5, max_radius_kpc=12, max_height_kpc=4, min_stars_pixel=3, select={"LOGG": (1.5, 2.5)})
BINS = GalacticBins.of(CONFIG)
TITLES = {
    ALONE: "APOGEE alone",
    MERGED: "merged with LAMOST",
    UNTRANSLATED: "merged with LAMOST, not translated",
    A_ONLY: "LAMOST alone, translated",
    RAW_ONLY: "LAMOST alone, as measured",
}
OFFSET = 0.1  # dex: what the translation takes from [Fe/H] of A


def sky_of(view, sample):
    """Return the layers of a sample: B fills one side of a map, A another, both the middle."""
    n = BINS.n_bins(view)
    place = (
        np.arange(n) if view == SKY else np.indices(BINS.grids[view].shape)[1].ravel() * n // BINS.grids[view].shape[1]
    )
    of_b, of_a = (place > 0.4 * n) & (place < 0.8 * n), (place > 0.2 * n) & (place < 0.6 * n)
    inside = {ALONE: of_b, A_ONLY: of_a, RAW_ONLY: of_a}.get(sample, of_a | of_b)
    counts = np.where(inside, 40, 0)
    iron = np.where(inside, -place / n, np.nan) + np.where(of_a & (sample in (UNTRANSLATED, RAW_ONLY)), OFFSET, 0.0)
    magnesium = np.where(of_b & inside, 0.1, np.nan)  # A has none
    layers = {"COUNT": counts, "HEIGHT": np.where(inside, 0.5, np.nan)}
    for label, medians, numbers in (("FE_H", iron, counts), ("MG_FE", magnesium, np.where(of_b & inside, 40, 0))):
        errors = np.where(np.isfinite(medians), 0.02, np.nan)
        excess = np.where(np.isfinite(medians), 0.05 * np.sign(place - 0.5 * n), np.nan)
        layers |= {f"{label}_MEDIAN": medians, f"{label}_ADAPTIVE": medians, f"N_{label}": numbers}
        layers |= {f"{label}_ADAPTIVE_ERR": errors, f"{label}_EXCESS_ERR": errors}
        layers |= {f"{label}_EXCESS": 3 * excess, f"{label}_EXCESS_SMOOTH": excess}
    return layers


def products_of(samples, config=CONFIG):
    layers = {view: {sample: sky_of(view, sample) for sample in samples} for view in MAPS}

    def statistics(values, counts):
        return {
            view: {
                sample: SimpleNamespace(medians=own[values], counts=own[counts]) for sample, own in layers[view].items()
            }
            for view in MAPS
        }

    products = Products(
        folder=None,
        selection=SimpleNamespace(bins=GalacticBins.of(config), alpha=("FE_H", "MG_FE")),
        medians={
            HEIGHT: statistics("HEIGHT", "COUNT"),
            "FE_H": statistics("FE_H_MEDIAN", "N_FE_H"),
            "MG_FE": statistics("MG_FE_MEDIAN", "N_MG_FE"),
        },
        labels=("FE_H", "MG_FE"),
        units={"FE_H": "dex", "MG_FE": "dex"},
        titles={sample: TITLES[sample] for sample in samples},
        provenance={},
    )
    return products, layers


@pytest.fixture
def draw(monkeypatch, tmp_path):
    """Return a function that draws the figures of a view, by their names."""
    drawn = {}

    def keep(stem, figure):
        drawn[stem.name] = figure
        return [stem]

    monkeypatch.setattr(atlas_figures, "write_figures", keep)

    def figures(view, samples=tuple(TITLES), config=CONFIG):
        drawn.clear()
        products, layers = products_of(samples, config)
        files = write_map_figures(products, view, layers[view], tmp_path / f"map_{view}")
        assert [file.name for file in files] == list(drawn)
        return dict(drawn)

    return figures


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def mesh(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadMesh)][1]


def written(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [t.get_text() for t in figure.texts]


@pytest.mark.parametrize("view", MAPS)
def test_maps_of_samples_lie_over_one_another_when_figures_are_blinked(draw, view):
    figures = draw(view)
    further = ["_excess"] if view != SKY else []
    assert list(figures) == [f"map_{view}{ending}" for ending in ("", "_change", "_untranslated", "_error", *further)]
    sizes = {tuple(figures[f"map_{view}{ending}"].get_size_inches()) for ending in ("_change", "_untranslated")}
    assert len(sizes) == 1
    change, untranslated = (panels(figures[f"map_{view}{ending}"]) for ending in ("_change", "_untranslated"))
    assert [axes.get_position().bounds for axes in change] == [axes.get_position().bounds for axes in untranslated]
    limits = {(*axes.get_xlim(), *axes.get_ylim()) for figure in figures.values() for axes in panels(figure)}
    assert len(limits) == 1


def test_all_figures_of_a_view_are_ones_for_print(draw):
    for figure in draw("face_on").values():
        check_print(figure)


def test_a_label_has_one_scale_in_all_views_and_samples(draw):
    norms = set()
    for view in MAPS:
        figures = draw(view)
        main = panels(figures[f"map_{view}"])[-4:-2]  # the row of [Fe/H], above that of [Mg/Fe]
        others = [axes for name in ("change", "untranslated") for axes in panels(figures[f"map_{view}_{name}"])[:2]]
        norms |= {(mesh(axes).norm.vmin, mesh(axes).norm.vmax) for axes in (*main, *others)}
    assert len(norms) == 1


def test_changes_are_those_of_the_translation_about_a_white_zero(draw):
    figure = draw("edge_on")["map_edge_on_change"]
    *_, change = panels(figure)
    values = mesh(change).get_array().compressed()
    np.testing.assert_allclose(values, -OFFSET, atol=1e-6)
    norm = mesh(change).norm
    assert norm.vmin == -norm.vmax
    assert len(panels(figure)) == 3  # [Mg/Fe], which A does not have, is not there


def test_a_label_that_only_b_has_says_that_nothing_is_added(draw):
    *_, alone, merged = panels(draw("edge_on")["map_edge_on"])
    assert merged.get_title(loc="left") == "nothing added to the map on the left"
    assert alone.get_title(loc="left") == ""  # all stars of B have it


def test_it_is_written_on_a_map_what_it_is_of(draw):
    texts = written(draw("face_on")["map_face_on"])
    note = texts[-1].replace("\n", " ")
    assert r"Stars with 1.5 < $\log g$ < 2.5 at $|Z|$ < 1 kpc" in note
    assert "Pixels of 0.5 kpc" in note
    assert "at least 3 stars" in note
    n = int(sky_of("face_on", ALONE)["COUNT"].sum())
    assert f"{n:,} stars" in texts


def test_the_note_of_an_edge_on_map_has_no_limit_in_height(draw):
    note = written(draw("edge_on", config=CONFIG.model_copy(update={"select": {}}))["map_edge_on"])[-1]
    assert note.startswith("All stars. ")


def test_a_map_says_how_many_of_its_stars_have_the_label(draw):
    figures = draw("edge_on", samples=(MERGED,))
    *_, iron, magnesium = panels(figures["map_edge_on"])
    n = int(sky_of("edge_on", MERGED)["N_MG_FE"].sum())
    assert iron.get_title(loc="left") == ""
    assert magnesium.get_title(loc="left") == f"{n:,} with [Mg/Fe]"


def test_stars_placed_at_their_guiding_radius_are_said_to_be(draw):
    figure = draw("edge_on", config=CONFIG.model_copy(update={"radius": "R_GUIDE"}))["map_edge_on"]
    assert panels(figure)[-1].get_xlabel() == r"$R_{\rm guide}$, with the sign of $X$ [kpc]"
    assert "Stars are placed at their guiding radius" in written(figure)[-1].replace("\n", " ")


def test_a_selected_sequence_is_named():
    config = CONFIG.model_copy(update={"alpha": "high", "select": {}})
    assert selected_in_words(products_of((MERGED,), config)[0]) == ["[Mg/Fe] above 0.1 \N{MINUS SIGN} 0.16 [Fe/H]"]


def test_a_table_of_one_survey_has_one_column_of_maps(draw):
    figures = draw("edge_on", samples=(MERGED,))
    assert list(figures) == ["map_edge_on", "map_edge_on_error", "map_edge_on_excess"]
    assert len(panels(figures["map_edge_on"])) == 3


def test_a_table_without_untranslated_values_shows_the_other_surveys_alone(draw):
    figures = draw("face_on", samples=(ALONE, MERGED, A_ONLY))
    assert list(figures) == [f"map_face_on{ending}" for ending in ("", "_a_only", "_error", "_excess")]


def test_the_value_of_a_large_cell_ends_near_the_last_star(draw, monkeypatch):
    everywhere = {"FE_H_ADAPTIVE": np.full(BINS.n_bins("edge_on"), -0.3)}
    one = {"N_FE_H": np.zeros(BINS.n_bins("edge_on"), dtype=int)}
    one["N_FE_H"][BINS.grids["edge_on"].pixels(np.array([-5.2]), np.array([1.2]))] = 1
    own = sky_of
    changed = {"edge_on": everywhere | one}
    monkeypatch.setitem(globals(), "sky_of", lambda view, sample: own(view, sample) | changed.get(view, {}))
    shown = mesh(panels(draw("edge_on")["map_edge_on"])[2])
    assert (~np.ma.getmaskarray(shown.get_array())).sum() == 13  # up to two pixels away: 1 + 4 + 4 + 4


def test_the_excess_its_smooth_map_and_its_error_stand_side_by_side(draw):
    figure = draw("face_on")["map_face_on_excess"]
    plain, smooth, error = panels(figure)[:3]
    assert mesh(plain).norm.vmin == -mesh(plain).norm.vmax == mesh(smooth).norm.vmin
    assert mesh(smooth).norm.vmax == pytest.approx(0.05)  # the largest smooth excess
    assert mesh(error).norm.vmin == 0
    note = written(figure)[-1].replace("\n", " ")
    assert "Merged with LAMOST: medians of pixels with at least 3 stars, minus the running median" in note
    assert "Lines on the smooth map: excess of more than 3 of its own errors" in note


def test_a_map_of_the_excess_without_any_says_so(draw, monkeypatch):
    own, wide = sky_of, {f"{label}_EXCESS_ERR": 0.5 for label in ("FE_H", "MG_FE")}

    def noise(view, sample):
        layers = own(view, sample)
        return layers | {name: np.full(len(layers["COUNT"]), error) for name, error in wide.items()}

    monkeypatch.setitem(globals(), "sky_of", noise)
    note = written(draw("face_on")["map_face_on_excess"])[-1].replace("\n", " ")
    assert "Nothing on the smooth map is more than 3 of its own errors from zero" in note


def test_errors_of_b_alone_and_merged_have_one_scale_from_zero(draw):
    alone, merged = panels(draw("edge_on")["map_edge_on_error"])[:2]
    assert mesh(alone).norm.vmin == mesh(merged).norm.vmin == 0
    assert mesh(alone).norm.vmax == mesh(merged).norm.vmax


def test_shares_of_high_alpha_stars_run_from_none_to_all(draw, monkeypatch):
    own = sky_of
    monkeypatch.setitem(
        globals(), "sky_of", lambda view, sample: own(view, sample) | {"HIGH_ALPHA": own(view, sample)["HEIGHT"]}
    )
    figure = draw("edge_on")["map_edge_on_high_alpha"]
    assert (mesh(panels(figure)[0]).norm.vmin, mesh(panels(figure)[0]).norm.vmax) == (0, 1)
    assert "[Mg/Fe] above 0.1 \N{MINUS SIGN} 0.16 [Fe/H]" in written(figure)[-1].replace("\n", " ")

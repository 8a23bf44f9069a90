"""Sky coverage of hand-made catalogues against numpy and healpy."""

import healpy as hp
import numpy as np
import pyarrow as pa
from numpy.testing import assert_array_equal

from stdask.stages.evaluate import sky as evaluate_sky
from stdask.stages.evaluate.sky import ORDER, sky_counts, write_sky_coverage
from stdask.storage import paths
from tests.hand_made import A, B, columns_a, columns_b, make_run, stars, write_catalogue

N_STARS = 500


def prepare(tmp_path, most):
    """Write two catalogues whose every fifth star is bad; return the run and both."""
    run = make_run(tmp_path)
    good = np.arange(N_STARS) % 5 > 0
    a = stars(columns_a(), N_STARS, GOOD=good)
    b = stars(columns_b(), N_STARS, GOOD=good[::-1], dec=np.linspace(-20, 80, N_STARS))
    write_catalogue(run, A, columns_a(), a, most)
    write_catalogue(run, B, columns_b(), b, most)
    return run, a, b


def folders(run):
    return [paths.catalogue(run.output, name) for name in (A, B)]


def expected(data, chosen):
    pixels = hp.ang2pix(1 << ORDER, data["ra"][chosen], data["dec"][chosen], nest=True, lonlat=True)
    return np.bincount(pixels, minlength=hp.order2npix(ORDER))


def test_good_stars_of_both_surveys_and_common_ones_are_counted_by_pixel(tmp_path, client):
    run, a, b = prepare(tmp_path, most=40)
    common = np.arange(100, 300, dtype=np.uint64)
    counts = sky_counts(folders(run), common, client)
    assert_array_equal(counts[0], expected(a, a["GOOD"]))
    assert_array_equal(counts[1], expected(b, b["GOOD"]))
    assert_array_equal(counts[2], expected(a, a["GOOD"] & np.isin(a["STAR_KEY"], common)))


def test_counts_do_not_depend_on_the_partitioning(tmp_path, client):
    common = np.arange(100, 300, dtype=np.uint64)
    counts = [sky_counts(folders(prepare(tmp_path / str(most), most)[0]), common, client) for most in (30, N_STARS)]
    assert_array_equal(*counts)


def test_the_figure_is_of_the_pairs_that_pass_the_cuts_of_both(tmp_path, client, monkeypatch):
    run, a, _ = prepare(tmp_path, most=N_STARS)
    pairs = pa.table(
        {
            "STAR_KEY": a["STAR_KEY"][1:5],
            "A_GOOD": [True, True, True, False],
            "B_GOOD": [True, False, True, True],
        }
    )
    drawn, draw_sky = [], evaluate_sky.draw_sky
    monkeypatch.setattr(evaluate_sky, "draw_sky", lambda *given: drawn.append(given) or draw_sky(*given))
    outputs = write_sky_coverage(tmp_path / "sky_coverage", folders(run), ("LAMOST DR3", "APOGEE DR17"), pairs, client)
    assert [path.name for path in outputs] == ["sky_coverage.png", "sky_coverage.pdf"]
    assert all(path.stat().st_size for path in outputs)
    assert drawn[0][0][2].sum() == 2
    assert drawn[0][1] == ("LAMOST DR3", "APOGEE DR17")

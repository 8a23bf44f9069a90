"""Maps of E(B-V): as healpy writes them, and what is no map."""

from pathlib import Path

import healpy as hp
import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal

from stdask.errors import SurveyError
from stdask.storage.reddening_maps import store_reddening_map

NSIDE = 16
SKY = np.linspace(0, 2, hp.nside2npix(NSIDE)).astype(np.float32)  # in NESTED pixels


def write(path: Path, nest: bool = True, coord: str | None = "G", unit: str = "mag", **further: object) -> Path:
    sky = SKY if nest else hp.reorder(SKY, n2r=True)
    hp.write_map(path, sky, nest=nest, coord=coord, column_units=unit, dtype=np.float32, **further)
    return path


@pytest.mark.parametrize("nest", [True, False])
def test_a_map_is_stored_in_nested_pixels_in_whichever_order_it_comes(tmp_path: Path, nest: bool):
    frame = store_reddening_map(write(tmp_path / "map.fits", nest), tmp_path / "map.npy")
    assert frame == "galactic"
    assert_array_equal(np.load(tmp_path / "map.npy"), SKY)


@pytest.mark.parametrize(
    ("word", "frame"), [("G", "galactic"), ("GALACTIC", "galactic"), ("C", "icrs"), ("EQUATORIAL", "icrs")]
)
def test_the_frame_is_the_one_the_header_says(tmp_path: Path, word: str, frame: str):
    fits.setval(write(tmp_path / "map.fits"), "COORDSYS", value=word, ext=1)
    assert store_reddening_map(tmp_path / "map.fits", tmp_path / "map.npy") == frame


def test_what_a_map_of_part_of_the_sky_leaves_open_is_unknown(tmp_path: Path):
    part = np.where(np.arange(SKY.size) < 1000, SKY, hp.UNSEEN).astype(np.float32)
    hp.write_map(tmp_path / "map.fits", part, nest=True, coord="G", partial=True, dtype=np.float32)
    store_reddening_map(tmp_path / "map.fits", tmp_path / "map.npy")
    assert_array_equal(np.load(tmp_path / "map.npy"), np.where(np.arange(SKY.size) < 1000, SKY, np.nan))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coord": None}, "in which frame it is"),
        ({"coord": "E"}, "in which frame it is"),
        ({"unit": "K"}, "is in 'k', not in mag"),
    ],
)
def test_a_map_that_would_be_read_wrongly_is_refused(tmp_path: Path, change: dict, message: str):
    with pytest.raises(SurveyError, match=message):
        store_reddening_map(write(tmp_path / "map.fits", **change), tmp_path / "map.npy")
    assert not (tmp_path / "map.npy").exists()


def test_what_is_no_map_is_told(tmp_path: Path):
    with pytest.raises(SurveyError, match=r"No map .*map.fits. Check `ebv_map`"):
        store_reddening_map(tmp_path / "map.fits", tmp_path / "map.npy")
    (tmp_path / "map.fits").write_bytes(b"SIMPLE  =  nonsense" * 300)
    with pytest.raises(SurveyError, match=r"map.fits is no HEALPix FITS map"):
        store_reddening_map(tmp_path / "map.fits", tmp_path / "map.npy")

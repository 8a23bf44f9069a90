"""Paths: everything of a run lies in its folder, each thing in a place of its own, partitions where HATS has them."""

import inspect
from pathlib import Path

import pytest

from stdask.science.sky.healpix import Pixel
from stdask.storage import paths

OUTPUT = Path("/scratch/run")
OF_A_RUN = {
    name: function
    for name, function in inspect.getmembers(paths, inspect.isfunction)
    if next(iter(inspect.signature(function).parameters)) == "output"
}


def path_of(name: str) -> Path:
    names = list(inspect.signature(OF_A_RUN[name]).parameters)[1:]
    return OF_A_RUN[name](OUTPUT, *(f"some_{other}" for other in names))


def test_everything_of_a_run_lies_in_its_folder_and_nothing_lies_in_two_places():
    found = {name: path_of(name) for name in OF_A_RUN}
    assert len(found) > 20
    assert all(OUTPUT in path.parents for path in found.values())
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("name", [n for n, f in OF_A_RUN.items() if len(inspect.signature(f).parameters) > 1])
def test_two_stages_or_surveys_never_share_a_file(name: str):
    n_names = len(inspect.signature(OF_A_RUN[name]).parameters) - 1
    # The order counts: A on B is not B on A.
    assert OF_A_RUN[name](OUTPUT, *"ab"[:n_names]) != OF_A_RUN[name](OUTPUT, *"ba"[:n_names])


@pytest.mark.parametrize("pixel", [Pixel(0, 0), Pixel(3, 767), Pixel(7, 123_456), Pixel(18, 12 * 4**18 - 1)])
def test_partitions_lie_where_the_hats_library_looks_for_them(pixel: Pixel, tmp_path: Path):
    hats_paths = pytest.importorskip("hats.io.paths")
    healpix = pytest.importorskip("hats.pixel_math").HealpixPixel(pixel.order, pixel.pixel)
    assert paths.partition(tmp_path, pixel) == Path(str(hats_paths.pixel_catalog_file(tmp_path, healpix)))


def test_rows_set_aside_are_listed_in_the_order_of_the_sky():
    pixels = [Pixel(1, 7), Pixel(0, 2), Pixel(3, 11 * 64), Pixel(0, 0), Pixel(12, 9 * 4**12)]
    names = sorted(paths.rejected_part(OUTPUT, pixel).name for pixel in pixels)
    in_order = sorted(pixels, key=lambda pixel: pixel.pixel / 4**pixel.order)
    assert names == [paths.rejected_part(OUTPUT, pixel).name for pixel in in_order]

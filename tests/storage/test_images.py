"""Figures of a page look as they do on disk, have their size on paper, and are small whatever they show."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from stdask.errors import CatalogueError
from stdask.storage.documents import write_figure
from stdask.storage.images import MOST_BYTES, PIXELS_PER_INCH, page_image


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), dtype=float)


def test_a_simple_figure_loses_nothing_on_a_screen_and_keeps_its_size_on_paper(tmp_path: Path) -> None:
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, 1, 0.5], label="a line")
    write_figure(tmp_path / "line.png", figure)
    found = page_image(tmp_path / "line.png")
    shown = Image.open(io.BytesIO(found.content))
    assert shown.format == "WEBP"
    assert shown.size == (3 * PIXELS_PER_INCH, 2 * PIXELS_PER_INCH)
    wanted = Image.open(tmp_path / "line.png").convert("RGB")
    wanted.thumbnail(shown.size)
    np.testing.assert_array_equal(pixels(shown), pixels(wanted))
    assert (found.width_inches, found.height_inches) == pytest.approx((3, 2), abs=0.01)  # a pixel is 1/300 inch
    assert len(found.content) < (tmp_path / "line.png").stat().st_size
    assert page_image(tmp_path / "line.png").content == found.content


def test_a_figure_that_cannot_be_small_without_loss_is_small_and_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    figure = Figure(figsize=(7, 5))
    figure.subplots().imshow(rng.normal(size=(60, 80)).cumsum(axis=0).cumsum(axis=1), interpolation="bicubic")
    write_figure(tmp_path / "image.png", figure)
    found = page_image(tmp_path / "image.png")
    assert len(found.content) <= MOST_BYTES < (tmp_path / "image.png").stat().st_size
    shown = Image.open(io.BytesIO(found.content))
    assert shown.width == pytest.approx(7 * PIXELS_PER_INCH, abs=2)
    wanted = pixels(Image.open(tmp_path / "image.png").convert("RGB").resize(shown.size))
    assert np.abs(pixels(shown) - wanted).mean() < 4  # of 255: nobody sees it


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "map.png").write_text("not an image")
    with pytest.raises(CatalogueError, match=r"map\.png"):
        page_image(tmp_path / "map.png")
    with pytest.raises(CatalogueError, match="Run the stage"):
        page_image(tmp_path / "none.png")

"""Figures as they are put into a page: PNG files made small enough that none has to be left out."""

import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from stdask.errors import CatalogueError, raise_machine_error

MOST_BYTES = 160_000  # of one figure: a page of fifty stays below 11 MB in base64
PIXELS_PER_INCH = 225  # two image pixels for each of a laptop's screen, at the size that a page gives a figure
DPI = "dpi"  # key of Pillow
QUALITIES = (85, 70, 50)
LOSSLESS_METHOD, METHOD = 0, 2  # of the encoder: 4, its default, needs ten and two times as long for 30 % and 4 % less


class PageImage(NamedTuple):
    """A figure in WebP, which every browser since 2020 reads, and its size on paper."""

    content: bytes
    width_inches: float
    height_inches: float


def page_image(path: Path) -> PageImage:
    """Return a figure as WebP, no finer than a page shows it: without loss if it is then small enough.

    Raises
    ------
    CatalogueError
        If the file is missing or is no image.
    """
    try:
        with Image.open(path) as opened:
            dots = float(opened.info.get(DPI, (96, 96))[0])
            image = opened.convert("RGB")
    except OSError as exc:
        raise_machine_error(exc, f"reading {path}")
        raise CatalogueError(f"Cannot read {path}: {exc}. Run the stage that writes it.") from exc
    width, height = image.width / dots, image.height / dots
    image.thumbnail((round(PIXELS_PER_INCH * width), round(PIXELS_PER_INCH * height)))
    content = _encode(image, lossless=True, method=LOSSLESS_METHOD)
    for quality in QUALITIES:
        if len(content) <= MOST_BYTES:
            break
        content = _encode(image, quality=quality, method=METHOD)
    return PageImage(content, width, height)


def _encode(image: Image.Image, **options: bool | int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "WEBP", **options)
    return stream.getvalue()

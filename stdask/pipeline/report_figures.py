"""The figures of the report: found in the run folder, described, and put into the page."""

import base64
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdask import schema
from stdask.config import Run
from stdask.pipeline.report_format import measured
from stdask.storage import paths
from stdask.storage.documents import read_bytes

SCALE = 0.75  # CSS pixels of an image pixel: letters of all figures in the size of the page's text
MAX_HEIGHT = 1000  # CSS pixels: a figure fits on a screen
MAX_IMAGE_BYTES = 14_000_000  # as base64: the page stays below 15 MB, which mail and browsers still take
FAMILY_FIGURES = {
    "coverage": (
        "Left: probability below the value of {b} by prediction and calibrated error, for all test stars; flat if the "
        "errors are right, high at the ends if they are too small. Right: share of the stars inside an interval "
        "against the share it promises. Grey: where chance keeps 95 % of the results of right errors.",
        "Histograms of the probability integral and covered against nominal shares, one row a label; the covered "
        "shares are in the table above.",
    ),
    "importance": (
        "Importance of each input for each label and for its correction: 100 mean |SHAP| over the sum of all inputs, "
        "in per cent. Below the line: both colours as one.",
        "Bar charts of the importance of each input, one panel a label; the numbers are in the table below.",
    ),
    "domain": (
        "Domain of validity: for each pair of inputs the bins that hold training stars, and the share of the "
        "stars of {a} outside them.",
        "Corner plot of the bins of each pair of inputs that hold training stars.",
    ),
    "learning": (
        "Learning curves: loss of the training and of the validation stars at each epoch. The circle marks "
        "the weights that were kept.",
        "Loss against epoch, one panel a member; the epochs kept and their losses are in the table below.",
    ),
}
PRODUCT_CAPTIONS = {
    "map_edge_on": "Edge-on maps: R with the sign of X against the height Z.",
    "map_face_on": "Face-on maps: the Galaxy seen from the north Galactic pole.",
    "profile_radial": "Running medians against the galactocentric radius R, in slices of height.",
    "profile_vertical": "Running medians against the height Z, in rings of galactocentric radius.",
}


@dataclass(frozen=True)
class Image:
    """One figure of the page."""

    path: Path
    caption: str
    alt: str
    width: int  # CSS pixels
    height: int
    data: str  # base64; empty if the page has no room left for it


class Album:
    """Turns PNG files into images of the page until it is full."""

    def __init__(self) -> None:
        self.images: list[Image] = []
        self._room = MAX_IMAGE_BYTES

    def add(self, path: Path, caption: str, alt: str) -> Image | None:
        """Return the figure to show; None if there is no such file."""
        if not path.exists():
            return None
        content = read_bytes(path)
        data = base64.b64encode(content).decode()
        if len(data) > self._room:
            data = ""
        self._room -= len(data)
        # PNG (W3C) section 11.2.2: the header chunk comes first, width and height are its first eight bytes
        width, height = struct.unpack(">II", content[16:24])
        scale = min(SCALE, MAX_HEIGHT / height)
        self.images.append(Image(path, caption, alt, round(scale * width), round(scale * height), data))
        return self.images[-1]


def evaluation_figures(
    run: Run, album: Album, accuracy: dict[tuple[str, str], Any]
) -> dict[str, list[tuple[str, Image]]]:
    """Return the figures of evaluate by kind, each with the family it belongs to."""
    folder = paths.evaluation(run.output)
    a, b = run.definition_a.title, run.definition_b.title
    wanted: list[tuple[str, str, str, str, str]] = []
    for family in schema.FAMILIES:
        wanted += [
            ("residuals", family, f"residuals_{family}_{label}.png", *_residual_texts(label, methods, a, b))
            for (own, label), methods in accuracy.items()
            if own == family
        ]
        wanted += [(kind, family, f"{kind}_{family}.png", *_texts(kind, family, a, b)) for kind in FAMILY_FIGURES]
    figures: dict[str, list[tuple[str, Image]]] = {kind: [] for kind in ("residuals", *FAMILY_FIGURES)}
    for kind, family, name, caption, alt in wanted:
        if image := album.add(folder / name, caption, alt):
            figures[kind].append((family, image))
    return figures


def product_figures(run: Run, album: Album) -> list[Image]:
    """Return the maps and profiles of atlas."""
    b = run.definition_b.title
    beside = f"Left: {b} alone; right: with the translated {run.definition_a.title}."
    images = []
    for path in sorted(paths.products(run.output).glob("*.png")):
        known = PRODUCT_CAPTIONS.get(path.stem)
        caption = f"{known} {beside}" if known else path.stem.replace("_", " ").capitalize() + "."
        images.append(album.add(path, caption, caption))
    return [image for image in images if image]


def _texts(kind: str, family: str, a: str, b: str) -> tuple[str, str]:
    caption, alt = FAMILY_FIGURES[kind]
    return f"{family.capitalize()} network. {caption.format(a=a, b=b)}", f"{family.capitalize()} network: {alt}"


def _residual_texts(label: str, methods: dict[str, Any], a: str, b: str) -> tuple[str, str]:
    """Return caption and alternative text of a residual figure; the text says what the figure shows."""
    described = {"raw": f"{a} minus {b}", "translated": f"{a} translated minus {b}"}
    scatter = "; ".join(
        f"{words}: offset {measured(row['bias'], row['bias_err'], signed=True)}, "
        f"robust scatter {measured(row['robust'], row['robust_err'])} {row['unit']}"
        for method, words in described.items()
        if (row := methods.get(method))
    )
    name = schema.quantity(label).description
    caption = (
        f"{name}. Residuals of the test stars against the value of {b} (left) and against the compared value "
        "(right). Line and band: running median, 16th to 84th percentile. Triangles lie beyond the frame."
    )
    return caption, f"Residuals of {label} for the test stars. {scatter}."

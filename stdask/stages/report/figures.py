"""The figures of the report: found in the run folder, described, and put into the page."""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stdask import schema
from stdask.display.numbers import measured
from stdask.schema.evaluation import ScoreRow
from stdask.stages.report.content import ByMethod
from stdask.stages.report.interactive.choices import Interactive
from stdask.storage import paths
from stdask.storage.documents import read_bytes

SCALE = 0.375  # CSS pixels per image pixel: the letters of all figures have the size of the text of the page
MAX_HEIGHT = 1000  # CSS pixels: a figure fits on a screen
MAX_IMAGE_BYTES = 7_500_000  # as base64: the page stays below 15 MB, which mail and browsers accept
FAMILY_FIGURES = {
    "coverage": (
        "Left: probability below the value of {b} by prediction and calibrated error, for all test stars; flat if the "
        "errors are right, high at the ends if they are too small. Right: share of the stars inside an interval "
        "against its nominal share. Grey: 95 % of the results lie here by chance if the errors are right.",
        "Histograms of the probability integral and covered against nominal shares, one row a label; the covered "
        "shares are in the table above.",
    ),
    "importance": (
        "Importance of each input for each label and for its correction: 100 mean |SHAP| over the sum of all inputs, "
        "in per cent. Below the line: both colours together.",
        "Bar charts of the importance of each input, one panel a label; the numbers are in the table below.",
    ),
    "domain": (
        "Domain of validity: for each pair of inputs the bins that hold training stars, and the share of the "
        "stars of {a} outside them.",
        "Corner plot of the bins of each pair of inputs that hold training stars.",
    ),
    "populations": (
        "Columns of {a}: the pairs that train and test the networks, and the stars that {b} does not have, each with "
        "the same area. Where there are stars and no pairs, nothing was tested.",
        "Histograms of the pairs and of the other stars, one panel a column; the medians are in the table below.",
    ),
    "learning": (
        "Learning curves: loss of the training and of the validation stars at each epoch. The circle marks "
        "the weights that were kept.",
        "Loss against epoch, one panel a member; the epochs kept and their losses are in the table below.",
    ),
}
PRODUCTS = {  # title, what it shows
    "before_after": (
        "Before and after",
        "Left: means of the medians of A as measured, of A translated and of B over the cells of R and |Z| (and of the "
        "labels that stars are selected by) in which both surveys have stars, ring by ring of R. Right: A minus B in "
        "these cells. Error bars: 1 sigma, from the stars and the translation. Open marks: stars of B that are in both "
        "surveys are among them, because there are too few others.",
    ),
    "map_edge_on": ("Edge-on map", "R with the sign of X against the height Z."),
    "map_face_on": ("Face-on map", "The Galaxy seen from the north Galactic pole."),
    "map_all_sky": ("All-sky map", "The sky in Galactic coordinates, the Galactic centre in the middle."),
    "profile_radial": (
        "Radial profiles",
        "Running medians against the galactocentric radius R, a panel a slice of height. Shaded: total error, 1 sigma.",
    ),
    "profile_vertical": (
        "Vertical profiles",
        "Running medians against the height Z, a panel a ring of galactocentric radius. Shaded: total error, 1 sigma.",
    ),
}
_OTHERS = "A alone, as measured and translated. Colours of quantities as above."
PRODUCTS |= {
    "seam": (
        "Seam",
        "A minus B in cells of R and |Z| (and of the labels that stars are selected by) in which both have stars, "
        "before and after translation, ring by ring and, right of the line, all rings together. Error bars: 1 sigma, "
        "from the stars and the translation. Arrows: beyond the frame.",
    ),
    "asymmetry": (
        "North and south",
        "Medians north of the midplane minus medians south of it, in the same cells of R and |Z| (and of the labels "
        "that stars are selected by). Error bars: 1 sigma, from the stars. Arrows: beyond the frame.",
    ),
    "gradients": (
        "Gradients",
        "Slopes of the medians by height, radius and azimuth, with their total errors; slices are drawn equally wide. "
        "Open: inside a break; the number beside the mark of the merged sample is its place in kpc. Small: bins beyond "
        "a gap. Arrows: beyond the frame. Behind [Fe/H]: published slopes (Hackshaw et al. 2024, Sun et al. 2024).",
    ),
    "diagram_kiel": (
        "Kiel diagrams",
        "By radius and height. Colour: density of the stars of A, each with the scatter of B (PRED_SAMPLE); lines: B "
        "at 1, 5, 10, 30, 50, 70 % of its maximum.",
    ),
    "diagram_abundances": (
        "Abundances",
        "By radius and height. Colour: density of the stars of A, each with the scatter of B (PRED_SAMPLE); lines: B "
        "at 1, 5, 10, 30, 50, 70 % of its maximum.",
    ),
    "parameter_space": (
        "Parameter space",
        "Training stars as measured by A and by B, and A translated. Lines: 1, 10 and 100 of all stars per bin.",
    ),
    **{f"{name}_untranslated": (f"{PRODUCTS[name][0]}: further samples", _OTHERS) for name in tuple(PRODUCTS)},
}
_MAPS = ("map_edge_on", "map_face_on", "map_all_sky")
PRODUCTS |= {
    f"{name}_change": (
        f"{PRODUCTS[name][0]}: what the translation changes",
        "Stars of A alone: as measured, translated, and the difference, white where there is none.",
    )
    for name in _MAPS
}
PRODUCTS |= {
    f"{name}_untranslated": (
        f"{PRODUCTS[name][0]}: merged before and after translation",
        "Both surveys together, A as measured and A translated, and the difference, white where there is none.",
    )
    for name in _MAPS
}
PRODUCTS |= {
    f"{name}_error": (
        f"{PRODUCTS[name][0]}: errors",
        "68 % errors of the medians, from the scatter of the stars in each cell.",
    )
    for name in _MAPS
}
PRODUCTS |= {
    f"{name}_excess": (
        f"{PRODUCTS[name][0]}: excess over the radial trend",
        "The merged catalogue minus its running median at the same R and |Z|, the same smoothed, and the error of a "
        "pixel. White: as the trend.",
    )
    for name in _MAPS[:2]
}
PRODUCTS |= {
    f"{name}_high_alpha": (
        f"{PRODUCTS[name][0]}: high-alpha stars",
        "Share of the stars above [atlas] alpha_line: of the thick disc, mostly.",
    )
    for name in _MAPS
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


@dataclass(frozen=True)
class Product:
    """A map or a set of profiles: as an image, as an interactive figure, or both."""

    name: str  # of its files
    title: str
    image: Image | None
    interactive: Interactive | None


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
    folder: Path, titles: tuple[str, str], album: Album, accuracy: ByMethod[ScoreRow]
) -> dict[str, list[tuple[str, Image]]]:
    """Return the figures of evaluate by kind, each with the family it belongs to."""
    a, b = titles
    wanted: list[tuple[str, str, str, str, str]] = []
    for family in schema.FAMILIES:
        wanted += [
            ("residuals", family, f"residuals_{family}_{label}.png", *_residual_texts(label, methods, a, b))
            for (own, label), methods in accuracy.items()
            if own == family
        ]
        wanted += [(kind, family, f"{kind}_{family}.png", *_texts(kind, family, a, b)) for kind in FAMILY_FIGURES]
    sky = f"Where on the sky the stars of {a} and of {b} lie, and those in both. Galactic coordinates."
    wanted.append(("sky", "", "sky_coverage.png", sky, sky))
    figures: dict[str, list[tuple[str, Image]]] = {kind: [] for kind in ("residuals", "sky", *FAMILY_FIGURES)}
    for kind, family, name, caption, alt in wanted:
        if image := album.add(folder / name, caption, alt):
            figures[kind].append((family, image))
    return figures


def pair_figure(pairs: Path, titles: tuple[str, str], album: Album) -> Image | None:
    """Return the figure of the separations, if it was drawn."""
    caption = (
        f"Separations between {titles[0]} and {titles[1]} of the stars that were matched. Dashed: expected number of "
        "false matches by chance, if any."
    )
    return album.add(pairs.with_name(paths.SEPARATIONS), caption, "Histogram of the separations of the pairs.")


def product_figures(folder: Path, album: Album, interactive: Mapping[str, Interactive]) -> list[Product]:
    """Return the maps and profiles of atlas, then the other figures in their folder."""
    found = {path.stem for path in folder.glob("*.png")} | set(interactive)
    products = []
    for name in [*(name for name in PRODUCTS if name in found), *sorted(found - set(PRODUCTS))]:
        title = name.replace("_", " ").capitalize()
        title, text = PRODUCTS.get(name, (title, title + "."))
        image = album.add(folder / f"{name}.png", text, f"{title}: {text}")
        products.append(Product(name, title, image, interactive.get(name)))
    return products


def _texts(kind: str, family: str, a: str, b: str) -> tuple[str, str]:
    caption, alt = FAMILY_FIGURES[kind]
    return f"{family.capitalize()} network. {caption.format(a=a, b=b)}", f"{family.capitalize()} network: {alt}"


def _residual_texts(label: str, methods: Mapping[str, ScoreRow], a: str, b: str) -> tuple[str, str]:
    """Return caption and alternative text of a residual figure; the text says what the figure shows."""
    described = {"raw": f"{a} minus {b}", "translated": f"{a} translated minus {b}"}
    scatter = "; ".join(
        f"{words}: offset {measured(row.bias, row.bias_err, signed=True)}, "
        f"robust scatter {measured(row.robust, row.robust_err)} {row.unit}"
        for method, words in described.items()
        if (row := methods.get(method))
    )
    name = schema.quantity(label).description
    caption = (
        f"{name}. Residuals of the test stars against the value of {b} (left) and against the compared value "
        "(right). Line and band: running median, 16th to 84th percentile. Triangles lie beyond the frame."
    )
    return caption, f"Residuals of {label} for the test stars. {scatter}."

"""The figures of the report: found in the run folder, described, and put into the page."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stdask import schema
from stdask.display.numbers import measured
from stdask.schema.evaluation import ScoreRow
from stdask.stages.report.content import ByMethod
from stdask.stages.report.interactive.choices import Interactive
from stdask.storage import paths
from stdask.storage.images import page_image

CSS_PER_INCH = 112  # CSS pixels of an inch: letters of 8 points are as large as those of the page's tables
MAX_HEIGHT = 1000  # CSS pixels: a figure fits on a screen
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
        "Domain of validity: for each pair of inputs the bins that hold training stars, the stars of {a} as lines that "
        "enclose 68 % and 99 % of them, and the share of them outside the bins.",
        "Corner plot of the bins of each pair of inputs that hold training stars, with the catalogue over them.",
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
_OTHERS = "A alone, as measured and translated. Colours of quantities as above."
_CHANGE = "Stars of A alone: as measured, translated, and the difference, white where there is none."
_EXCESS = (
    "The merged catalogue minus its running median at the same R and |Z|, the same smoothed, and the error of a pixel. "
    "White: as the trend. Lines enclose what is more than 3 errors of the smooth map from it, if anything is."
)
_HIGH_ALPHA = "Share of the stars above [atlas] alpha_line: of the thick disc, mostly."
_ERROR = "68 % errors of the medians, from the scatter of the stars in each cell."
_BOTH = "Both surveys together, A as measured and A translated, and the difference, white where there is none."
PRODUCTS = {  # file, without the name of a label at its end -> title, what it shows; in the order of the page
    "before_after": (
        "Before and after",
        "Left: means of the medians of A as measured, of A translated and of B over the cells of R and |Z| (and of the "
        "labels that stars are selected by) in which both surveys have stars, ring by ring of R. Right: A minus B in "
        "these cells. Error bars: 1 sigma, from the stars and the translation. Open marks: stars of B that are in both "
        "surveys are among them, because there are too few others.",
    ),
    "map_face_on": ("Face-on map", "The Galaxy seen from the north Galactic pole."),
    "map_face_on_change": ("Face-on map: what the translation changes", _CHANGE),
    "map_face_on_excess": ("Face-on map: excess over the radial trend", _EXCESS),
    "map_face_on_high_alpha": ("Face-on map: high-alpha stars", _HIGH_ALPHA),
    "map_face_on_error": ("Face-on map: errors", _ERROR),
    "map_face_on_untranslated": ("Face-on map: merged before and after translation", _BOTH),
    "map_edge_on": ("Edge-on map", "R with the sign of X against the height Z."),
    "map_edge_on_change": ("Edge-on map: what the translation changes", _CHANGE),
    "map_edge_on_excess": ("Edge-on map: excess over the radial trend", _EXCESS),
    "map_edge_on_high_alpha": ("Edge-on map: high-alpha stars", _HIGH_ALPHA),
    "map_edge_on_error": ("Edge-on map: errors", _ERROR),
    "map_edge_on_untranslated": ("Edge-on map: merged before and after translation", _BOTH),
    "map_all_sky": ("All-sky map", "The sky in Galactic coordinates, the Galactic centre in the middle."),
    "map_all_sky_change": ("All-sky map: what the translation changes", _CHANGE),
    "map_all_sky_high_alpha": ("All-sky map: high-alpha stars", _HIGH_ALPHA),
    "map_all_sky_error": ("All-sky map: errors", _ERROR),
    "map_all_sky_untranslated": ("All-sky map: merged before and after translation", _BOTH),
    "profile_radial": (
        "Radial profiles",
        "Running medians against the galactocentric radius R, a panel a slice of height. Shaded: total error, 1 sigma.",
    ),
    "profile_vertical": (
        "Vertical profiles",
        "Running medians against the height Z, a panel a ring of galactocentric radius. Shaded: total error, 1 sigma.",
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
    "seam": (
        "Where the surveys meet",
        "A minus B in cells of R and |Z| (and of the labels that stars are selected by) in which both have stars, "
        "before and after translation, ring by ring and, right of the line, all rings together. Error bars: 1 sigma, "
        "from the stars and the translation. Arrows: beyond the frame.",
    ),
    "consistency": (
        "Every two surveys",
        "Survey of the row minus survey of the column in cells of the sky, R and |Z| (and of the labels that stars are "
        "selected by) in which both have stars: left as measured, right on the scale of B, with 1-sigma errors from "
        "the stars and the translations. White: no difference. Surveys select other stars of a cell, so a small "
        "difference need not be one of their scales.",
    ),
    "asymmetry": (
        "North and south",
        "Medians north of the midplane minus medians south of it, in the same cells of R and |Z| (and of the labels "
        "that stars are selected by). Error bars: 1 sigma, from the stars. Arrows: beyond the frame.",
    ),
    "parameter_space": (
        "Parameter space",
        "Training stars as measured by A and by B, and A translated. Lines: 1, 10 and 100 of all stars per bin.",
    ),
}
PRODUCTS |= {
    f"profile_{name}_untranslated": (f"{name.capitalize()} profiles: further samples", _OTHERS)
    for name in ("radial", "vertical")
}
SUMMARY, MAPS, CAVEATS, APPENDIX = "summary", "maps", "caveats", "appendix"  # sections of the page
SECTIONS = {
    "before_after": SUMMARY,
    "seam": CAVEATS,
    "consistency": CAVEATS,
    "asymmetry": CAVEATS,
    "parameter_space": APPENDIX,
}
FURTHER = ("_untranslated", "_a_only", "_error")  # endings of figures of the appendix
Figures = dict[str, list["ShownImage"]]  # kind or section -> figures in the order of the page


@dataclass(frozen=True)
class ShownImage:
    """One figure of the page."""

    file: str  # in the run folder
    caption: str
    alt: str
    width: int  # CSS pixels
    height: int
    data: str  # base64 of WebP


@dataclass(frozen=True)
class Product:
    """A map or a set of profiles: as an image, as an interactive figure, or both."""

    name: str  # of its files
    title: str
    image: ShownImage | None
    interactive: Interactive | None


class Album:
    """Turns the figures of a run folder into images of the page."""

    def __init__(self, output: Path) -> None:
        self.n_images = 0
        self._output = output

    def add(self, path: Path, caption: str, alt: str) -> ShownImage | None:
        """Return the figure to show; None if there is no such file."""
        if not path.exists():
            return None
        image = page_image(path)
        width, height = CSS_PER_INCH * image.width_inches, CSS_PER_INCH * image.height_inches
        scale = min(1.0, MAX_HEIGHT / height)
        self.n_images += 1
        return ShownImage(
            path.relative_to(self._output).as_posix(),
            caption,
            alt,
            round(scale * width),
            round(scale * height),
            base64.b64encode(image.content).decode(),
        )


def evaluation_figures(folder: Path, titles: tuple[str, str], album: Album, accuracy: ByMethod[ScoreRow]) -> Figures:
    """Return the figures of evaluate by kind."""
    a, b = titles
    wanted: list[tuple[str, str, str, str]] = []
    for family in schema.FAMILIES:
        wanted += [
            ("residuals", f"residuals_{family}_{label}.png", *_residual_texts(label, methods, a, b))
            for (own, label), methods in accuracy.items()
            if own == family
        ]
        wanted += [(kind, f"{kind}_{family}.png", *_texts(kind, family, a, b)) for kind in FAMILY_FIGURES]
    sky = f"Where on the sky the stars of {a} and of {b} lie, and those in both. Galactic coordinates."
    wanted.append(("sky", "sky_coverage.png", sky, sky))
    figures: Figures = {kind: [] for kind in ("residuals", "sky", *FAMILY_FIGURES)}
    for kind, name, caption, alt in wanted:
        if image := album.add(folder / name, caption, alt):
            figures[kind].append(image)
    return figures


def pair_figure(pairs: Path, titles: tuple[str, str], album: Album) -> ShownImage | None:
    """Return the figure of the separations, if it was drawn."""
    caption = (
        f"Separations between {titles[0]} and {titles[1]} of the stars that were matched. Dashed: expected number of "
        "false matches by chance, if any."
    )
    return album.add(pairs.with_name(paths.SEPARATIONS), caption, "Histogram of the separations of the pairs.")


def product_figures(folder: Path, album: Album, interactive: Mapping[str, Interactive]) -> dict[str, list[Product]]:
    """Return the maps, profiles and other figures of atlas by the section of the page that they stand in."""
    found = {path.stem for path in folder.glob("*.png")} | set(interactive)
    order = {name: place for place, name in enumerate(PRODUCTS)}
    sections: dict[str, list[Product]] = {name: [] for name in (SUMMARY, MAPS, CAVEATS, APPENDIX)}
    for name in sorted(found, key=lambda name: (order.get(_kind_of(name), len(order)), name)):
        kind = _kind_of(name)
        title, text = PRODUCTS.get(kind, (name.replace("_", " ").capitalize(), ""))
        label = name.removeprefix(kind).strip("_")
        title = f"{title}: {label}" if label else title
        image = album.add(folder / f"{name}.png", text, f"{title}. {text}")
        section = APPENDIX if any(ending in name for ending in FURTHER) else SECTIONS.get(kind, MAPS)
        sections[section].append(Product(name, title, image, interactive.get(name)))
    return sections


def _kind_of(name: str) -> str:
    """Return the entry of `PRODUCTS` that a file belongs to: its own, or the longest at the beginning of its name."""
    return max((kind for kind in PRODUCTS if f"{name}_".startswith(f"{kind}_")), key=len, default=name)


def _texts(kind: str, family: str, a: str, b: str) -> tuple[str, str]:
    caption, alt = FAMILY_FIGURES[kind]
    return f"{family.capitalize()} network. {caption.format(a=a, b=b)}", f"{family.capitalize()} network: {alt}"


def _residual_texts(label: str, methods: Mapping[str, ScoreRow], a: str, b: str) -> tuple[str, str]:
    """Return caption and alternative text of a residual figure; the text says what the figure shows."""
    described_as = {"raw": f"{a} minus {b}", "translated": f"{a} translated minus {b}"}
    scatter = "; ".join(
        f"{words}: offset {measured(row.bias, row.bias_err, signed=True)}, "
        f"robust scatter {measured(row.robust, row.robust_err)} {row.unit}"
        for method, words in described_as.items()
        if (row := methods.get(method))
    )
    name = schema.quantity(label).description
    caption = (
        f"{name}. Residuals of the test stars against the value of {b} (left) and against the compared value "
        "(right). Line and band: running median, 16th to 84th percentile. Triangles lie beyond the frame."
    )
    return caption, f"Residuals of {label} for the test stars. {scatter}."

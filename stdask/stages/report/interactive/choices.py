"""What a reader can choose in an interactive figure, and what it is called."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from stdask.schema.products import INDEPENDENT

SAMPLES = {
    "MERGED": "{b} and {a} translated",
    "UNTRANSLATED": "{b} and {a} as measured",
    "ALONE": "{b} alone",
    "A_ONLY": "{a} translated, alone",
    "RAW_ONLY": "{a} as measured, alone",
}
_ZOOM = "Choose a tool above the figure to zoom or move it."
_MAP = (
    "Point at a pixel to read its numbers. Grey: stars, but too few for a median. All samples and maps share the "
    "colours of a quantity; of a change or an excess, white is zero."
)
_GALAXY = "Circle with a dot: the Sun; cross: the Galactic centre"
_AREA = "line: the area that only the merged catalogue covers."
READINGS = {
    "map_edge_on": f"{_MAP} {_GALAXY}; dashed: the Galactic midplane; {_AREA} {_ZOOM}",
    "map_face_on": f"{_MAP} {_GALAXY}; dotted: circles of galactocentric radius, with the direction of rotation; "
    f"{_AREA} {_ZOOM}",
    "map_all_sky": f"{_MAP} Galactic longitude grows to the left, the Galactic centre in the middle; {_AREA} {_ZOOM}",
} | dict.fromkeys(
    ("profile_radial", "profile_vertical"),
    "Point at a bin to read its numbers. Shaded: 1-sigma error from all sources, TOTAL in the tables profile_*.ecsv; "
    f"of shares the 68 % interval. Dashed, with open circles: south of the midplane. {_ZOOM}",
)


@dataclass(frozen=True)
class StarChoice:
    """Stars that a figure can show."""

    name: str
    text: str
    measured: str  # the sample with the values of A as measured
    translated: str  # the sample with those on the scale of B; the same if there is no other


STARS = (
    StarChoice("both", "{b} and {a}", "UNTRANSLATED", "MERGED"),
    StarChoice("a", "{a} alone", "RAW_ONLY", "A_ONLY"),
    StarChoice("b", "{b} alone", "ALONE", "ALONE"),
)


@dataclass(frozen=True)
class Interactive:
    """One figure of the page with what can be chosen in it."""

    title_a: str
    stars: Sequence[StarChoice]  # in the order offered, the first ones shown
    quantities: Mapping[str, str]  # value -> text
    parts: Mapping[str, str] = field(default_factory=dict)  # slice -> its colour
    sides: Sequence[str] = ()
    reading: str = ""  # how the figure is read
    content: str = ""  # packed; empty if the page has no room left for it

    @property
    def translates(self) -> bool:
        """Whether values before and after translation can be compared."""
        return any(stars.measured != stars.translated for stars in self.stars)


def stars_of(samples: Collection[str], titles: tuple[str, str]) -> list[StarChoice]:
    """Return what stars can be shown.

    Parameters
    ----------
    samples
        Those that there are.
    titles
        Of A and B; empty for the atlas of a table of one survey.
    """
    a, b = titles
    found = []
    for stars in STARS:
        own = [name for name in (stars.measured, stars.translated) if name in samples]
        if own:
            text = stars.text.format(a=a, b=b) if a and b else "all stars"
            found.append(StarChoice(stars.name, text, own[0], own[-1]))
    return found


def sample_titles(titles: tuple[str, str]) -> dict[str, str]:
    """Return the name of each sample in words, given the titles of A and B."""
    a, b = titles
    words = {sample: text.format(a=a, b=b) for sample, text in SAMPLES.items()}
    return words | {f"{sample}{INDEPENDENT}": f"{text}, without the stars in both" for sample, text in words.items()}

"""The interactive figures of the page: all of them within the room that it has, and the scripts that draw them."""

import base64
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from stdask.figures.interactive.page import bokeh_script, own_settings, pack
from stdask.stages.report.interactive.choices import READINGS, Interactive
from stdask.stages.report.interactive.maps import map_figures
from stdask.stages.report.interactive.profiles import PROFILES, profile_figure

MOST_BYTES = 5_500_000  # of all figures: with Bokeh (1.3 MB) and the images the page stays below 15 MB
SCRIPT = Path(__file__).parents[1] / "report.js"


@dataclass(frozen=True)
class Script:
    """A script of the page, and the hash by which the page's own policy allows it and no other."""

    text: Markup

    @property
    def digest(self) -> str:
        """SHA-256 in base64. Source: W3C, Content Security Policy Level 3, sect. 2.3.1."""
        return base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()


def page_scripts() -> list[Script]:
    """Return Bokeh and the script that draws the interactive figures, in the order they are run."""
    return [Script(Markup(bokeh_script())), Script(Markup(SCRIPT.read_text(encoding="utf-8")))]


def interactive_figures(folder: Path, titles: tuple[str, str], bin_kpc: float) -> dict[str, Interactive]:
    """Return the interactive figures by the names of their files, those with the most pixels last.

    Parameters
    ----------
    folder
        Of the maps and profiles.
    titles
        Of A and B; both empty for the atlas of a table of one survey.
    bin_kpc
        Width of a pixel of the maps.
    """
    found: dict[str, Interactive] = {}
    room = MOST_BYTES
    with own_settings():
        profiles = {name: made for name in PROFILES if (made := profile_figure(folder, name, titles))}
        for name, (plot, figure) in (profiles | map_figures(folder, titles, bin_kpc)).items():
            content = pack(plot)
            found[name] = replace(figure, reading=READINGS[name], content=content if len(content) <= room else "")
            room -= len(found[name].content)
    return found

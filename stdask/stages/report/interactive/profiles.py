"""The interactive profiles: from the tables of running medians to figures."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from astropy.table import Table

from stdask.figures.interactive.page import Plot, plain
from stdask.figures.interactive.profiles import ShownCurve, colours_of, draw_profiles
from stdask.stages.report.interactive.choices import Interactive, stars_of
from stdask.stages.report.interactive.quantities import HIGH_ALPHA, MEDIAN, SHARE, title_of
from stdask.storage.documents import read_ecsv

PROFILES = {"profile_radial": ("R", "Z"), "profile_vertical": ("Z", "R")}  # along, across


def profile_figure(folder: Path, name: str, titles: tuple[str, str]) -> tuple[Plot, Interactive] | None:
    """Return the figure of a table of profiles with what can be chosen in it; None if there is nothing to show.

    Parameters
    ----------
    folder
        Of the table.
    name
        One of `PROFILES`.
    titles
        Of A and B.
    """
    path = folder / f"{name}.ecsv"
    if not path.exists():
        return None
    table = read_ecsv(path)
    labels = [column.removesuffix(MEDIAN) for column in table.colnames if column.endswith(MEDIAN)]
    titles_of = {label: title_of(label, str(table[f"{label}{MEDIAN}"].unit or "")) for label in labels}
    texts = {label: plain(label) for label in labels}
    if HIGH_ALPHA in table.colnames:
        titles_of[HIGH_ALPHA] = texts[HIGH_ALPHA] = SHARE
    along, across = PROFILES[name]
    parts = {
        part: _part(part) for part in sorted(set(zip(table[f"{across}_LOW"], table[f"{across}_HIGH"], strict=True)))
    }
    curves = [curve for label in texts for curve in _curves(table, label, along, across, parts)]
    if not curves:
        return None
    colours = colours_of(list(parts.values()))
    plot = draw_profiles(curves, f"{along} [kpc]", titles_of, colours)
    stars = stars_of({curve.sample for curve in curves}, titles)
    sides = [side for side in ("north", "south") if any(curve.side == side for curve in curves)]
    return plot, Interactive(titles[0], stars, texts, colours, sides)


def _part(part: tuple[float, float]) -> str:
    return f"{part[0]:g}\N{EN DASH}{part[1]:g} kpc"


def _curves(
    table: Table, label: str, along: str, across: str, parts: Mapping[tuple[float, float], str]
) -> Iterator[ShownCurve]:
    """Yield the curves of a label: one a sample, slice and side."""
    total = f"{label}_TOTAL"
    medians = f"{label}{MEDIAN}" if f"{label}{MEDIAN}" in table.colnames else label  # of a share it is the share
    known = table[np.isfinite(np.asarray(table[medians], dtype=float))]
    if not len(known):
        return
    for group in known.group_by(["SAMPLE", "SIDE", f"{across}_LOW", f"{across}_HIGH"]).groups:
        group.sort(f"{along}_CENTRE")
        first = group[0]
        yield ShownCurve(
            sample=str(first["SAMPLE"]),
            label=label,
            part=parts[first[f"{across}_LOW"], first[f"{across}_HIGH"]],
            side=str(first["SIDE"]),
            positions_kpc=np.asarray(group[f"{along}_CENTRE"]),
            medians=np.asarray(group[medians]),
            low=np.asarray(group[f"{label}_P16"]),
            high=np.asarray(group[f"{label}_P84"]),
            errors=np.asarray(group[total])
            if (total := f"{label}_TOTAL") in group.colnames
            else np.full(len(group), np.nan),
            stars=np.asarray(group[f"N_{label}"]),
        )

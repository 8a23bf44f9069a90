"""What every page holds, whatever it reports: its sections, scripts, provenance and settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from stdask import __version__
from stdask.config.atlas import AtlasConfig
from stdask.runs.receipts import Receipt, why_kept
from stdask.stages.report.count_tables import input_table, rows_table, version_table
from stdask.stages.report.interactive.choices import Interactive
from stdask.stages.report.interactive.figures import page_scripts

RUN_SECTIONS = {
    "summary": "In short",
    "maps": "Maps and profiles",
    "caveats": "Caveats",
    "closure": "Closure test",
    "accuracy": "Accuracy",
    "coverage": "Coverage of the errors",
    "known_stars": "Clusters and benchmark stars",
    "domain": "Domain of validity",
    "importance": "Importance of the inputs",
    "appendix": "Appendix",
    "cite": "How to cite",
}
TABLE_SECTIONS = {name: RUN_SECTIONS[name] for name in ("summary", "maps", "caveats", "appendix", "cite")}


def run_sections(**optional: object) -> dict[str, str]:
    """Return the sections of the page of a run: name of the template -> heading.

    Parameters
    ----------
    optional
        Contents of sections that not every run has, by their names; empty or None for none.
    """
    return {name: heading for name, heading in RUN_SECTIONS.items() if optional.get(name, True)}


def page_content(
    title: str,
    sections: Mapping[str, str],
    receipts: Mapping[str, Receipt],
    steps: Mapping[str, str],
    interactive: Mapping[str, Interactive],
) -> dict[str, Any]:
    """Return what the templates of all sections share.

    Parameters
    ----------
    title, sections
        Of the page, and of its sections by the names of their templates.
    receipts, steps
        Of the stages, and what these are called.
    interactive
        The figures that need scripts.
    """
    *_, last = steps
    return {
        "version": __version__,
        "title": title,
        "subtitle": f"Report of stdask {__version__}, {receipts[last].written[:10]}",
        "sections": sections,
        "notes": [(title_of, note) for step, title_of in steps.items() for note in _notes(receipts[step])],
        "receipts": receipts,
        "extras": {steps[step]: extra for step in steps if (extra := receipts[step].counts.described())},
        "counts": {
            "rows": rows_table(receipts, steps),
            "inputs": input_table(receipts, steps),
            "versions": version_table(receipts),
        },
        "scripts": page_scripts() if any(figure.content for figure in interactive.values()) else [],
    }


def _notes(receipt: Receipt[Any]) -> list[str]:
    """Return what the user should know of a stage, also that it has the results of another version."""
    return [*receipt.counts.notes, *([] if receipt.accepted is None else [why_kept(receipt)])]


def selection_in_words(atlas: AtlasConfig) -> str:
    """Return which stars are mapped, as a sentence."""
    cuts = [f"{name} from {low:g} to {high:g}" for name, (low, high) in atlas.select.items()]
    if atlas.alpha != "all":
        cuts.append(f"the {atlas.alpha}-alpha sequence")
    return f"Stars with {' and '.join(cuts)}." if cuts else "All stars with a distance."


def files_of(sections: Sequence[str], **others: str) -> dict[str, str]:
    """Return the template of each section: of its own name, if no other is given."""
    return {name: others.get(name, f"{name}.html") for name in sections}

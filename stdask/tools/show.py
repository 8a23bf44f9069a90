"""Show: the card of a trained ensemble, and what a table must have to be translated by it."""

from pathlib import Path

from stdask.display.console import console, say
from stdask.display.pages import print_page
from stdask.display.tables import print_table
from stdask.runs.card.head import without_head
from stdask.runs.ensemble import open_ensemble
from stdask.runs.requirements import requirements


def show(path: Path) -> None:
    """Print the card of a trained ensemble, and the columns that it reads from a table.

    Parameters
    ----------
    path
        A packed ensemble, its folder, or that of the run that trained it.

    Raises
    ------
    EnsembleError
        If there is no ensemble, or it is damaged.
    """
    ensemble = open_ensemble(path)
    card = ensemble.card or f"No card.md in {path}."
    print_page(without_head(card) if console.is_terminal else card)
    say("")
    rows = [vars(row) for row in requirements(ensemble)]
    print_table(f"Columns that {ensemble.name} reads from a table", rows)
    say(f"digest {ensemble.digest}")

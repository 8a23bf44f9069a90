"""Pages in Markdown on a screen: laid out on a terminal, as they are written in a log."""

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderResult
from rich.markdown import Markdown, TableElement
from rich.table import Table

from stdask.display import console


class _WholeTable(TableElement):
    """A table whose words are folded where a column is too narrow, never cut off."""

    def __rich_console__(self, printed_by: RichConsole, options: ConsoleOptions) -> RenderResult:
        for part in super().__rich_console__(printed_by, options):
            if isinstance(part, Table):
                for column in part.columns:
                    column.overflow = "fold"
            yield part


class _Page(Markdown):
    elements = Markdown.elements | {"table_open": _WholeTable}


def print_page(text: str) -> None:
    """Print a page.

    Parameters
    ----------
    text
        In Markdown.
    """
    if console.console.is_terminal:
        console.console.print(_Page(text), soft_wrap=False)
    else:
        console.say(text)

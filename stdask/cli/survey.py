"""The commands about survey definitions."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.table import Table

from stdask.config.survey import load_definition, shipped_names
from stdask.display.console import console
from stdask.errors import SurveyError
from stdask.storage.files import write_text
from stdask.tools.survey.check import check
from stdask.tools.survey.new import propose
from stdask.tools.survey.page import survey_page

survey_app = typer.Typer(help="Survey definitions: list and show those there are, try one on a file, begin your own.")
Definition = Annotated[str, typer.Argument(metavar="NAME", help="A shipped name, or the path of your own .toml.")]
SurveyTable = Annotated[Path, typer.Argument(metavar="FILE", help="The survey's table, in any format stdask reads.")]


@survey_app.command("list", epilog="Example: stdask survey list")
def survey_list_command() -> None:
    """List the shipped definitions."""
    table = Table("name", "survey", "labels", "")
    for definition in map(load_definition, shipped_names()):
        table.add_row(definition.name, definition.title, " ".join(definition.labels), "draft" * definition.draft)
    console.print(table)


@survey_app.command("show", epilog="Example: stdask survey show galah_dr3")
def survey_show_command(definition: Definition) -> None:
    """Say in words what a definition makes of each column, and which stars are good."""
    page = survey_page(load_definition(definition))
    console.print(Markdown(page) if console.is_terminal else page)


@survey_app.command("check", epilog="Example: stdask survey check mine.toml mine.fits")
def survey_check_command(
    definition: Definition,
    file: SurveyTable,
    rows: Annotated[int, typer.Option(min=1, help="So many rows of the file are tried.")] = 100_000,
) -> None:
    """Try a definition on the first rows of a file: what becomes of each column, and what looks wrong."""
    check(load_definition(definition), file, rows)


@survey_app.command("new", epilog="Example: stdask survey new mine.fits --output mine.toml")
def survey_new_command(
    file: SurveyTable,
    output: Annotated[Path | None, typer.Option(help="Write it there. [default: print it]")] = None,
) -> None:
    """Propose a definition from the columns of a file, to be checked and corrected."""
    text = propose(file)
    if output is None:
        print(text, end="")
        return
    if output.exists():
        raise SurveyError(f"{output} exists. Name another file with --output.")
    write_text(output, text)

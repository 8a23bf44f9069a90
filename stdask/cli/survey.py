"""The commands about survey definitions."""

from pathlib import Path
from typing import Annotated

import typer

from stdask.cli.options import AllowRemote, examples, path, place
from stdask.config.addresses import locate
from stdask.config.survey import load_definition, shipped_names
from stdask.config.survey_files import FileHints
from stdask.config.toml import validate
from stdask.errors import ConfigError, SurveyError

survey_app = typer.Typer(help="List, show, try and write survey definitions.")
Definition = Annotated[
    str, typer.Argument(metavar="NAME|FILE.toml", help="Name of a shipped definition, or the file of your own.")
]
SurveyTable = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        parser=place,
        help="Table of the survey, in any format that stdask reads; or a folder of files, a pattern, a HATS catalogue.",
    ),
]


@survey_app.command("list", epilog=examples("survey list"))
def survey_list_command() -> None:
    """List the definitions that are shipped with stdask."""
    from stdask.display.tables import print_table
    from stdask.tools.survey.page import some_labels

    definitions = map(load_definition, shipped_names())
    rows = [
        {
            "name": d.name,
            "survey": d.title + " (draft)" * d.draft,
            "checked": d.checked,
            "labels": some_labels(d),
        }
        for d in definitions
    ]
    print_table("", rows)


@survey_app.command("show", epilog=examples("survey show galah_dr3"))
def survey_show_command(definition: Definition) -> None:
    """Describe a definition: its columns, and which stars are good."""
    from stdask.display.pages import print_page
    from stdask.tools.survey.page import survey_page

    print_page(survey_page(load_definition(definition)))


@survey_app.command(
    "check",
    epilog=examples("survey check mine.toml mine.fits", "survey check galah_dr3 main.fits --with gaia=gaia.fits"),
)
def survey_check_command(
    definition: Definition,
    file: SurveyTable,
    rows: Annotated[int, typer.Option(metavar="N", min=1, help="Number of rows that are read.")] = 100_000,
    further: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="TABLE=FILE", help="File of a further table that is joined. Several times is possible."
        ),
    ] = None,
    allow_remote: AllowRemote = False,
) -> None:
    """Try a definition on the first rows of a file.

    Shows what each column becomes, and what looks wrong.
    """
    from stdask.tools.survey.check import check

    tables = {name: locate(own, Path(), allow_remote) for name, own in map(_named_file, further or ())}
    check(load_definition(definition), locate(file, Path(), allow_remote), rows, tables)


def _named_file(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise ConfigError(f"--with {text}: write the name of the table and its file, as in --with gaia=gaia.fits.")
    return name, place(file)


@survey_app.command(
    "new",
    epilog=examples(
        "survey new mine.fits --output mine.toml",
        "survey new allStar.fits --table 2",
        "survey new stars.txt --format csv --delimiter '|'",
    ),
)
def survey_new_command(
    file: SurveyTable,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", parser=path, help="File to write. [default: print it]")
    ] = None,
    format: Annotated[
        str | None, typer.Option(metavar="NAME", help="Format of the file, e.g. csv. [default: told by the file]")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(metavar="CHARACTER", help="Character between the values of a text file.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Table of a file with several, by its name or number. Repeat it for more."),
    ] = None,
    allow_remote: AllowRemote = False,
) -> None:
    """Propose a definition from the columns of a file.

    Check and correct it before use. What is stated of the format is written into its table [file].
    """
    from stdask.storage.files import write_text
    from stdask.tools.survey.new import propose

    stated = {"format": format, "delimiter": delimiter, "hdus": tuple(table or ())}
    content = {key: value for key, value in stated.items() if value}
    hints = validate(FileHints, content, "Options of stdask survey new", SurveyError)
    text = propose(locate(file, Path(), allow_remote), hints)
    if output is None:
        print(text, end="")
        return
    if output.exists():
        raise SurveyError(f"{output} exists. Name another file with --output.")
    write_text(output, text)

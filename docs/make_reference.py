"""Write the references of the TOML files and of the columns, the JSON schemas, and a page for each survey definition.

python docs/make_reference.py
"""

import inspect
import json
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from column_tables import COLUMNS_HEAD, LABELS_TEXT, RECIPE, tables
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import stdask
from stdask import schema
from stdask.config.atlas import AtlasFile
from stdask.config.cluster import ClusterProfile
from stdask.config.messages import models_in
from stdask.config.run import RunConfig
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.config.surveys import SurveysConfig
from stdask.display.numbers import as_toml
from stdask.tools.survey.page import some_labels, survey_page

HERE = Path(__file__).parent
SCHEMAS = Path(stdask.__file__).parent / "config" / "schemas"
MADE = "This page is made from the code by `python docs/make_reference.py`."
SCHEMA_HINT = """Editors can complete the keys, explain them and mark mistakes. In VS Code, install the extension
"Even Better TOML", and put this line at the top of your file:

```text
#:schema FOLDER/{name}.schema.json
```

where FOLDER is what this command prints:

```bash
python -c "import stdask; print(stdask.__path__[0] + '/config/schemas')"
```"""
REFERENCES: dict[str, tuple[str, type[BaseModel], str]] = {
    "run": (
        "The run file",
        RunConfig,
        "A run file says what a run does, from the survey files to the maps. A run takes two surveys, A and B, and\n"
        "puts the stellar parameters of A on the scale of B: it *translates* A. The quantities that it translates,\n"
        "such as the effective temperature or [Fe/H], are called *labels*. Several surveys A can be put on the scale\n"
        "of one B: [Many surveys](many_surveys.md). The [glossary](glossary.md) has all such\n"
        "words, and [`jobs/`](../jobs) has examples of run files.\n\n"
        "Paths are relative to one of three folders. Survey files and other tables: the folder of `--data-dir`, or\n"
        "that of the run file if the option is not given. Survey definitions of your own: the folder of the run\n"
        "file. `output`, and the runs of `[[merge.also]]`: the working directory.\n\n"
        "A key may be left out unless it is required. An unknown key is an error.",
    ),
    "survey": (
        "The survey definition",
        SurveyDefinition,
        "A survey definition says which columns of a survey file are read, their units and errors, and which stars\n"
        "are good. stdask comes with [definitions of many surveys](surveys/README.md). For any other survey,\n"
        "`stdask survey new FILE` proposes a definition and `stdask survey check DEFINITION FILE` tries it; the\n"
        "[tutorial](tutorial.md) shows both.\n\n"
        "A definition names columns of the file, or [expressions of columns](expressions.md) such as `mg_h - fe_h`.",
    ),
    "atlas": (
        "The atlas file",
        AtlasFile,
        "An atlas file describes a table of your own, with positions, distances and abundances, so that\n"
        "`stdask atlas FILE.toml` can make maps of it. If the columns have usual names, no atlas file is needed:\n"
        "`stdask atlas TABLE` is enough.",
    ),
    "cluster": (
        "The cluster profile",
        ClusterProfile,
        "A cluster profile says where the workers of a run are started, e.g. on a Slurm cluster. Give it to a\n"
        "command with `--cluster FILE`; it replaces the table `[cluster]` of the run file. Profiles for all batch\n"
        "systems are in [`deploy/`](../deploy), and the [site guide](../deploy/SITE_GUIDE.md) explains how to adapt\n"
        "them.",
    ),
}
WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path"}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def reference(name: str) -> str:
    """Return the reference of a TOML file: a section for each table, a line for each key."""
    title, model, text = REFERENCES[name]
    parts = [f"# {title}", text, SCHEMA_HINT.format(name=name), MADE, *_sections(model, "", {})]
    return "\n\n".join(parts) + "\n"


def json_schema(model: type[BaseModel]) -> str:
    """Return the JSON schema of a TOML file, for editors."""
    return json.dumps(model.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def survey_pages() -> dict[str, str]:
    """Return the page of each definition that comes with stdask, and a table of all, by name of the file."""
    definitions = [load_definition(name) for name in shipped_names()]
    head = (
        f"# Survey definitions\n\n{MADE}\n\n"
        "Of a draft, not all columns have been checked against a file or a published data model. Try it with "
        "`stdask survey check`.\n\n"
        "| name | survey | checked | labels | reference |\n|---|---|---|---|---|\n"
    )
    lines = []
    for d in definitions:
        title = f"{d.title} (draft)" if d.draft else d.title
        lines.append(f"| [`{d.name}`]({d.name}.md) | {title} | {d.checked} | {some_labels(d)} | {d.reference} |")
    pages = {f"{d.name}.md": survey_page(d) for d in definitions}
    return {"README.md": head + "\n".join(lines) + "\n"} | pages


def _sections(model: type[BaseModel], path: str, known: dict[type[BaseModel], str]) -> Iterator[str]:
    """Yield the keys of a table, then the tables inside it; one that stands in several places is described once."""
    rows, inner = [], []
    numbered = model.numbered if issubclass(model, SurveysConfig) else {}
    for name, field in {**model.model_fields, **numbered}.items():
        key, tables = field.alias or name, models_in(field.annotation)
        place, below = _place(path, key, field.annotation)
        for table in tables:
            if table not in known:
                known[table] = f"`{place}` {_tag(field, table)}".strip()
                inner.append((table, below))
        links = " or ".join(_link(known[table]) for table in tables)
        same = bool(tables) and not known[tables[0]].startswith(f"`{place}`")
        value = f"as {links}" if same else f"table {links}" if tables else _value(field.annotation, field.metadata)
        rows.append((f"`{key}`", value, _default(field), " ".join((field.description or "").split())))
    yield _table(("key", "value", "default", "meaning"), rows)
    for table, below in inner:
        yield f"## {known[table]}"
        yield inspect.getdoc(table) or ""
        yield from _sections(table, below, known)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[f" {cell} ".replace("|", "\\|") if cell else " " for cell in row] for row in (names, *rows)]
    head, *lines = (f"|{'|'.join(row)}|" for row in cells)
    return "\n".join([head, "|---" * len(names) + "|", *lines])


def _link(title: str) -> str:
    """Return a link to the section of this page with a title, as GitHub names its anchor."""
    anchor = "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")
    return f"[{title}](#{anchor})"


def _tag(field: FieldInfo, table: type[BaseModel]) -> str:
    """Return what tells apart the tables that a key may hold, e.g. by id."""
    key = field.discriminator
    return f"{key} {get_args(table.model_fields[key].annotation)[0]}" if isinstance(key, str) else ""


def _place(path: str, key: str, annotation: Any) -> tuple[str, str]:
    """Return how a table is written, and the path of what is inside it."""
    inside = f"{path}{key}"
    if get_origin(annotation) is tuple:
        return f"[[{inside}]]", f"{inside}."
    if get_origin(annotation) is dict:
        return f"[{inside}.NAME]", f"{inside}.NAME."
    return f"[{inside}]", f"{inside}."


def _value(annotation: Any, metadata: list[Any]) -> str:
    """Return in words which values a key takes."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [m for own in arguments[1:] for m in (own.metadata if isinstance(own, FieldInfo) else [own])]
        return _value(arguments[0], [*inner, *metadata])
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_value(a, metadata) for a in arguments if a is not type(None))
    if origin is tuple and arguments[-1] is not Ellipsis:
        return f"list of {len(arguments)}: {_value(arguments[0], [])}"
    if origin in (tuple, list):
        return f"list: {_value(arguments[0], [])}"
    if origin is dict:
        return "table" if arguments[1] is Any else f"table: {_value(arguments[1], [])}"
    bounds = [f"{sign} {getattr(m, name)}" for m in metadata for name, sign in BOUNDS.items() if hasattr(m, name)]
    return " ".join([WORDS[annotation], ", ".join(bounds)]).strip()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return (
        ""
        if default in (None, (), {}, "") or isinstance(default, BaseModel)
        else f"`{as_toml({'table': {'key': default}}).partition('key = ')[2]}`"
    )


def columns_page() -> str:
    """Return the page of all columns."""
    parts = ["# Columns", COLUMNS_HEAD, MADE, RECIPE, "## Labels", LABELS_TEXT]
    known = [(f"`{name}`", q.unit, q.description) for name, q in schema.QUANTITIES.items()]
    parts.append(_table(("name", "unit", "meaning"), known))
    for title, text, columns in tables():
        rows = [(f"`{column.name}`", column.unit, column.dtype, column.description) for column in columns]
        parts += [f"## {title}", text, _table(("column", "unit", "type", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[Path, str]:
    """Return all that is made, by path."""
    made = {HERE / f"{name}_toml.md": reference(name) for name in REFERENCES}
    made |= {SCHEMAS / f"{name}.schema.json": json_schema(model) for name, (_, model, _) in REFERENCES.items()}
    made[HERE / "columns.md"] = columns_page()
    return made | {HERE / "surveys" / name: page for name, page in survey_pages().items()}


def main() -> None:
    """Write everything."""
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

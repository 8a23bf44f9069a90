"""Write the references of the TOML files and of the columns, the JSON schemas, and a page for each survey definition.

python docs/make_reference.py
"""

import inspect
import json
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import stdask
from stdask import schema
from stdask.config.atlas import AtlasFile
from stdask.config.cluster import ClusterProfile
from stdask.config.messages import models_in
from stdask.config.run import RunConfig
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.display.numbers import as_toml
from stdask.schema import cuts, evaluation, products, validation
from stdask.schema.rows import columns_of
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
ROWS = {  # tables whose rows are dataclasses, by their file
    "cuts.ecsv": cuts.CutRow,
    "merged/cuts.ecsv": cuts.MergedCutRow,
    "columns.ecsv": cuts.ValuesRow,
    "ensemble/history.ecsv": evaluation.EpochRow,
    **{
        f"{folder}/{name}.ecsv": get_args(annotation)[0]
        for folder, tables in (("evaluation", evaluation.EvaluationTables), ("validation", validation.ValidationTables))
        for name, annotation in typing.get_type_hints(tables).items()
    },
    "study/study.ecsv": evaluation.StudyRow,
}
REFERENCES: dict[str, tuple[str, type[BaseModel], str]] = {
    "run": (
        "The run file",
        RunConfig,
        "A run file says what a run does, from the survey files to the maps. A run takes two surveys, A and B, and\n"
        "puts the stellar parameters of A on the scale of B: it *translates* A. The quantities that it translates,\n"
        "such as the effective temperature or [Fe/H], are called *labels*. The [glossary](glossary.md) has all such\n"
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


COLUMNS_HEAD = """The columns of the tables that stdask writes. Units and meanings are also stored in the files.

In the names below, LABEL stands for the name of a label, e.g. `FE_H`, and N for the number of a network, from 1. FAMILY
stands for INTRINSIC or EXTRINSIC, the two families of networks; the second one predicts velocities."""
RECIPE = """## Which columns to use

The translated catalogue holds all stars of survey A, also those that cannot be translated well. Before you use it:

1. **Keep** the stars with `USE` true: they pass the cuts of the survey, lack no input and no error of an input, and lie
   in the domain of the training stars. `QFLAG_COMMENTS` says in words why `USE` is false.
2. **Value:** choose the column by what it is for.
   - *The value of a single star:* `LABEL_PRED_50`, the median over the random draws.
   - *A distribution* (a histogram, a density, a width, the share of stars beyond a limit): `LABEL_PRED_SAMPLE`, one
     random value of what B would measure.
   - *The mean of stars that are known to be alike*, such as the members of a cluster: `LABEL_PRED_DEBIASED`, in a run
     with `debias = true`.
   - *The translation of the measured values*, without random draws: `LABEL_PRED_NOMINAL`.

   The distribution of `LABEL_PRED_50` is too narrow, because it lacks the scatter that no input explains, and the
   errors of B. That of `LABEL_PRED_DEBIASED` is not the distribution of B either.
3. **Error:** `LABEL_PRED_SIGMA`, the 1-sigma error with respect to what survey B would measure. It is calibrated on
   stars that were not used for training. Do **not** use `LABEL_PRED_ERR` as an error: it only tells how much the
   networks differ from one another, as in the published method. Of 4,499 real stars (APOGEE DR14 on the
   scale of DR16), 70 to 72 % lie within `LABEL_PRED_SIGMA` of the value of B, and only 5 to 6 % within
   `LABEL_PRED_ERR`. Errors have longer tails than a Gaussian: 3 sigma contain 95 to 99 % of test stars, not 99.7 %. To
   call a star an outlier, use `LABEL_PRED_HALFWIDTH_99`, the distance from `LABEL_PRED_50` that contains 99 %.

```python
import pyarrow.dataset as ds

stars = ds.dataset("stdask-demo/catalogues/mock_a_on_mock_b/dataset", partitioning="hive")
print(stars.to_table(["sobject_id", "M_H_PRED_50", "M_H_PRED_SIGMA"], filter=ds.field("USE")))
```

`USE` asks for the flags of all families of networks. A star whose velocity cannot be translated may still have good
intrinsic labels (temperature, gravity, abundances). To keep it, use the flags of the one family. Mind the two
directions: a column whose name begins with `QFLAG` is true if all is well; one whose name begins with `FLAG_MISSING`
is true if a measurement is missing.

```python
inside = ds.field("QFLAG_INPUT_INTRINSIC") & ds.field("QFLAG_OUTPUT_INTRINSIC") & ds.field("QFLAG_DOMAIN_INTRINSIC")
keep = ds.field("GOOD") & ~ds.field("FLAG_MISSING_INPUTS_INTRINSIC") & inside
print(stars.to_table(["sobject_id", "M_H_PRED_50", "M_H_PRED_SIGMA"], filter=keep))
```

The merged catalogue is selected already: it holds only stars that pass these tests, except that of
`QFLAG_DOMAIN_INTRINSIC`. There the value is `LABEL`, its error `LABEL_ERR`, and the value for distributions
`LABEL_SAMPLE`."""
LABELS_TEXT = """Labels with these names have the same unit and meaning in all surveys. A survey definition can have
other labels too, in a unit of their own."""


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
    for name, field in model.model_fields.items():
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
        return f"table: {_value(arguments[1], [])}"
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
    for title, text, columns in _tables():
        rows = [(f"`{column.name}`", column.unit, column.dtype, column.description) for column in columns]
        parts += [f"## {title}", text, _table(("column", "unit", "type", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def _tables() -> Iterator[tuple[str, str, Sequence[schema.Column]]]:
    """Yield each table: its title, what and where it is, its columns."""
    own_id = schema.Column("ID", "", "", "", "Identifier of the star in its survey, under the name it has there")
    kept = schema.Column(
        "KEPT", "", "", "", "Further columns that the definition keeps, unchanged, under their own names"
    )
    value, error = _of_label(schema.measured_columns("LABEL"))
    measured = (replace(value, description="Value of the label, as the survey measured it"), error)
    bands = [*schema.GAIA, *(band for band in schema.BANDS if band not in schema.GAIA)]
    yield (
        "Survey catalogue",
        "`catalogues/SURVEY/`: the stars of a survey, as `stdask ingest` reads them. A column is there if the survey\n"
        "definition names its source; other extinctions, colours and absolute magnitudes are\n"
        "named like those of Ks.",
        (
            schema.HEALPIX,
            own_id,
            schema.SOURCE_ID,
            schema.STAR_KEY,
            *schema.POSITION,
            *measured,
            *schema.photometric_columns(bands, ["KS"], (*schema.GAIA_COLOURS, "G_KS_0", "M_KS")),
            *schema.DISTANCE,
            *schema.DISTANCE_MODULUS,
            *schema.PROPER_MOTION,
            schema.GOOD,
            kept,
        ),
    )
    yield (
        "Translated catalogue",
        "`catalogues/A_on_B/`: all columns of the catalogue of A, and these.",
        (
            *_of_label(schema.translated_columns("LABEL")),
            *_of_label(schema.member_columns("LABEL", 1)),
            *_of_label([schema.debiased_column("LABEL")]),
            *schema.flag_columns(["FAMILY"]),
            schema.USE,
        ),
    )
    yield (
        "Merged catalogue",
        "`catalogues/merged/`: the stars of all surveys on the scale of B. LABEL is a label of B.",
        (
            schema.HEALPIX,
            schema.ID,
            schema.SURVEY,
            schema.IN_PAIRS,
            schema.STAR_KEY,
            schema.SOURCE_ID,
            *schema.POSITION,
            *_of_label(schema.merged_columns("LABEL", n_members=1)),
            schema.EBV,
            *schema.DISTANCE,
            schema.DISTANCE_FROM,
            *schema.PROPER_MOTION,
            *schema.GALACTOCENTRIC,
            *schema.GALACTOCENTRIC_ERR,
            *schema.VELOCITIES,
        ),
    )
    yield (
        "Pairs",
        "`pairs/A_B.parquet`: the stars that are in both surveys. Further columns are those of the two catalogues, as\n"
        "`A_...` and `B_...`.",
        (*schema.PAIRS, schema.used_column("FAMILY")),
    )
    yield (
        "Rejected rows",
        "`rejected.parquet` in the folder of a catalogue or of the pairs: each row that was left out, and why. In the\n"
        "merged catalogue it is a folder.",
        schema.REJECTED,
    )
    samples = {"ALONE": "B alone", "MERGED": "B and translated A", "UNTRANSLATED": "B and A as measured"}
    sample = schema.Column(
        "SAMPLE", "string", description="; ".join(f"{name}: {what}" for name, what in samples.items())
    )
    yield (
        "Maps",
        "`products/map_edge_on.parquet`, `map_face_on.parquet`, `map_all_sky.parquet`: one row for each sample and\n"
        "pixel with stars. Other columns hold the position of the pixel.",
        (sample, *products.MAP_STARS, *_of_label(products.map_columns("LABEL")), products.MAP_NEW),
    )
    yield (
        "Profiles",
        "`products/profile_radial.ecsv`; in `profile_vertical.ecsv` R and Z are exchanged.",
        _of_label(products.profile_columns("R", "Z", samples, {"LABEL": ""})),
    )
    yield "Gradients", "`products/gradients.ecsv`: slopes of the profiles.", products.GRADIENTS
    yield "North and south", "`products/asymmetry.ecsv`: the two sides of the midplane compared.", products.ASYMMETRY
    yield "Seam", "`products/seam.ecsv`: A and B compared where both have stars.", products.SEAM
    for path, kind in ROWS.items():
        text, _, _ = inspect.cleandoc(kind.__doc__ or "").partition("\n")
        yield path, text, columns_of(kind)


def _of_label(columns: Sequence[schema.Column]) -> list[schema.Column]:
    """Return columns with N for the number of a network, and the unit of the label in words."""
    return [
        replace(
            column,
            name=column.name.replace("MEMBER_1", "MEMBER_N"),
            unit=column.unit or ("unit of LABEL" if column.dtype == "float32" else ""),
            description=column.description.replace("network 1", "network N"),
        )
        for column in columns
    ]


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

"""A survey definition as a page of text, which `stdask survey show` prints and the docs contain."""

from collections.abc import Iterable, Sequence

from stdask import schema
from stdask.config.derived import offered
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN, Join
from stdask.config.survey_tables import Distance, Label

DRAFT = (
    "**Draft:** not all columns have been checked against a file or a published data model. Try it with "
    "`stdask survey check` and correct a copy of your own."
)


SOME = 8  # labels that a list of surveys names


def some_labels(definition: SurveyDefinition) -> str:
    """Return the names of the first labels of a survey, and how many there are besides."""
    names = list(definition.labels)
    return " ".join(names[:SOME]) + (f" and {len(names) - SOME} more" if len(names) > SOME else "")


def survey_page(definition: SurveyDefinition) -> str:
    """Return a definition as Markdown: what it is, what each column becomes, which stars are good."""
    parts = [
        f"# {definition.title} (`{definition.name}`)",
        *([DRAFT] if definition.draft else []),
        f"Reference: {definition.reference}",
        _checked(definition),
        definition.notes.strip(),
        "## Files",
        *_files(definition),
        "\n".join(f"- {line}" for line in _about_the_file(definition)),
        "## Columns",
        _table(("catalogue", "unit", "from", "error", "accepted", "meaning"), _rows(definition)),
        *(["## Features", _features(definition)] if offered(definition) else []),
        "## Cuts",
        _cuts(definition),
        *_unchecked(definition),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _checked(definition: SurveyDefinition) -> str:
    if not definition.data_model:
        return ""
    compared = f", compared on {definition.checked}" if definition.checked else ""
    return f"Data model: {definition.data_model}{compared}"


def _unchecked(definition: SurveyDefinition) -> list[str]:
    return ["## Not checked", "\n".join(f"- {line}" for line in definition.unchecked)] if definition.unchecked else []


def _files(definition: SurveyDefinition) -> Iterable[str]:
    """Yield where to fetch the files, how their tables belong together, and how a run file names them."""
    if definition.download:
        yield _table(("table", "file", "from"), ((f"`{d.table}`", d.file, d.address) for d in definition.download))
    if definition.join:
        yield "\n".join(f"- {_joined(join)}" for join in definition.join)
        yield (
            "A run may leave out a table. Its columns are then looked for in the main table, and what needs columns "
            "that are not there either is left out."
        )
        files = {download.table: download.file for download in reversed(definition.download)}  # of several, the first
        names = (MAIN, *(join.name for join in definition.join))
        stated = ", ".join(f'{name} = "{files.get(name, name)}"' for name in names)
        yield f'In the run file:\n\n```toml\ndefinition = "{definition.name}"\nfiles = {{ {stated} }}\n```'


def _joined(join: Join) -> str:
    """Return in words how a table is joined."""
    how = {
        "key": f"by its `{join.key_column}`, which is `{join.on}`" + " of the main table" * ("." not in join.on),
        "row": "by row: row n of both is the same star",
        "position": f"by position: the nearest within {join.radius_arcsec:g} arcsec",
    }
    first = "; of several rows with one key, the first is taken" if join.repeats == "first" else ""
    return f"`{join.name}` is joined {how[join.by]}{first}"


def _rows(definition: SurveyDefinition) -> Iterable[Sequence[str]]:
    position = definition.position
    yield definition.id, "", _code(definition.id), "", "", "id of the survey"
    if definition.gaia_id:
        yield schema.SOURCE_ID.name, "", _code(definition.gaia_id), "", "positive", schema.SOURCE_ID.description
    for axis, source in zip(schema.POSITION, (position.ra, position.dec), strict=True):
        yield axis.name, "deg", _code(source), "", "", f"{axis.description}, epoch {position.epoch:g}"
    for name, label in definition.labels.items():
        yield _label_row(name, label)
    yield from _photometry_rows(definition)
    if motion := definition.proper_motion:
        yield (
            "PMRA",
            "mas/yr",
            _code(motion.pmra),
            _code(motion.pmra_error),
            "",
            schema.PROPER_MOTION[0].description,
        )
        yield (
            "PMDEC",
            "mas/yr",
            _code(motion.pmdec),
            _code(motion.pmdec_error),
            "",
            schema.PROPER_MOTION[2].description,
        )
    for distance in definition.distances:
        accepted = ", ".join(term.text for term in distance.accept)
        yield "DISTANCE", "kpc", _code(distance.column), _distance_error(distance), accepted, distance.reference
    for name in definition.keep:
        yield name, "", _code(name), "", "", "kept as it is"


def _photometry_rows(definition: SurveyDefinition) -> Iterable[Sequence[str]]:
    if photometry := definition.photometry:
        typical = f"{photometry.typical_error:g}" if photometry.typical_error else ""
        for band, columns in photometry.magnitudes.items():
            error = _code(columns.error) or typical
            magnitude, _, *_ = schema.photometric_columns([band])
            yield magnitude.name, "mag", _code(columns.column), error, "", magnitude.description
        for band, column in photometry.stated_extinctions.items():
            yield schema.extinction_name(band), "mag", _code(column), "", "", f"Extinction in {band}"
    if definition.own_ebv or definition.ebv_map:
        source = f"map `{definition.ebv_map}`" if definition.ebv_map else _code(definition.own_ebv)
        yield "EBV", "mag", source, "", "", schema.EBV.description
    if parallax := definition.parallax:
        meaning = "parallax, for absolute magnitudes"
        yield "DISTANCE_MODULUS", "mag", _code(parallax.column), _code(parallax.error), "", meaning


def _label_row(name: str, label: Label) -> Sequence[str]:
    unit = schema.quantity(name, label.unit).unit
    errors = [_code(name) for name in label.error_columns]
    errors += [f"{label.typical_error:g} where there is none"] if label.typical_error else []
    errors += [f"at least {label.error_floor:g}"] if label.error_floor else []
    accepted = [f"{label.valid[0]:g} to {label.valid[1]:g}"] if label.valid else []
    accepted += [f"{term.text}" for term in label.good]
    meaning = label.description or schema.quantity(name, label.unit).description
    about = f"{meaning} ({label.reference})" if label.reference else meaning
    return name, unit, _code(label.column), ", ".join(errors), ", ".join(accepted), about


def _distance_error(distance: Distance) -> str:
    return ", ".join(map(_code, distance.error_columns))


def _code(name: str | None) -> str:
    """Return a column or an expression as Markdown shows code, nothing for None."""
    if not name:
        return ""
    return f"`` {name} ``" if "`" in name else f"`{name}`"


def _features(definition: SurveyDefinition) -> str:
    """Return which inputs `features` can name in addition to the labels."""
    names = ", ".join(f"`{name}`" for name in offered(definition))
    return f"`[train] features` takes the labels, and these dereddened colours and absolute magnitudes: {names}."


def _cuts(definition: SurveyDefinition) -> str:
    if not definition.cuts:
        return "None: every star is GOOD."
    terms = "\n".join(f"- {term.text}" for term in definition.cuts)
    rule = (
        "A star that passes all cuts is GOOD. The others stay in the catalogue but are not used for training or maps."
    )
    return f"{rule}\n\n{terms}"


def _about_the_file(definition: SurveyDefinition) -> Iterable[str]:
    file, duplicates = definition.file, definition.duplicates
    if file.format:
        yield f"format: {file.format}"
    if file.delimiter:
        yield f"delimiter: `{file.delimiter}`"
    if file.hdus:
        yield f"tables read side by side: {', '.join(f'`{name}`' for name in file.hdus)}"
    yield f"missing: null, NaN, {', '.join(f'{number:g}' for number in definition.sentinels)}"
    if duplicates:
        yield f"of the rows of one `{duplicates.by}`, that with the {duplicates.keep} `{duplicates.best}` is kept"
        if rescaled := definition.rescaled_labels:
            yield (
                f"errors of {', '.join(rescaled)} are multiplied by how far GOOD rows of one `{duplicates.by}` differ "
                f"in units of them, a factor for each range of `{duplicates.best}`"
            )
    yield f"of the rows of one `{definition.id}`, the first is kept"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

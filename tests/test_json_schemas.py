"""The JSON schemas, which editors read: they are those of the models, and every key has a description."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import stdask
from stdask.config.atlas import AtlasFile
from stdask.config.cluster import ClusterProfile
from stdask.config.run import RunConfig
from stdask.config.survey import SurveyDefinition

SCHEMAS = Path(stdask.__file__).parent / "config" / "schemas"
MODELS = {"run": RunConfig, "survey": SurveyDefinition, "atlas": AtlasFile, "cluster": ClusterProfile}
JOBS = sorted((Path(stdask.__file__).parents[1] / "jobs").glob("*.toml"))


def tables_of(schema: dict) -> Iterator[tuple[str, dict]]:
    """Yield each table of a schema with its name."""
    yield schema["title"], schema
    yield from schema.get("$defs", {}).items()


def test_there_is_a_schema_for_every_kind_of_file():
    assert {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_schema_is_that_of_the_model(name: str):
    shipped = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert shipped == MODELS[name].model_json_schema(), "make it again: python docs/make_reference.py"


@pytest.mark.parametrize("name", MODELS)
def test_every_table_and_every_key_has_a_description(name: str):
    for table, schema in tables_of(MODELS[name].model_json_schema()):
        assert schema.get("description"), table
        for key, about in schema["properties"].items():
            text = about.get("description", "")
            assert re.match(r"[A-Z`|]", text), f"{table}.{key}: {text!r}"
            assert text.endswith("."), f"{table}.{key}: {text!r}"


@pytest.mark.parametrize("name", MODELS)
def test_a_schema_refuses_unknown_keys_as_stdask_does(name: str):
    assert all(schema["additionalProperties"] is False for _, schema in tables_of(MODELS[name].model_json_schema()))


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_run_file_of_jobs_names_its_schema_for_editors(path: Path):
    first = path.read_text().partition("\n")[0]
    assert (path.parent / first.removeprefix("#:schema ")).resolve() == SCHEMAS / "run.schema.json"

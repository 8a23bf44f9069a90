"""Problems of a run file are told in plain words: the key as the file has it, the value, and what is allowed."""

from pathlib import Path

import pytest

from stdask.config.run import RunConfig
from stdask.config.survey import SurveyDefinition
from stdask.config.toml import TomlModel, validate
from stdask.errors import ConfigError

RUN = {
    "output": "out",
    "surveys": {"a": {"definition": "galah_dr3", "file": "a"}, "b": {"definition": "apogee_dr17", "file": "b"}},
    "pair": {"match": {"by": "position"}},
    "train": {"intrinsic": [{"label": "TEFF", "from": "TEFF"}]},
}
SURVEY = {"name": "s", "title": "S", "reference": "none", "id": "id", "labels": {"TEFF": {"column": "teff"}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "x"}, "seed is 'x', but must be a whole number."),
        ({"seed": 7.5}, "seed is 7.5, but must be a whole number."),
        ({"output": 7}, "output is 7, but must be a path in quotes."),
        ({"translate": {"n_draws": 1}}, "translate.n_draws is 1, but must be at least 2."),
        ({"translate": {"tf32": "maybe"}}, "translate.tf32 is 'maybe', but must be true or false."),
        ({"translate": {"engine": "tpu"}}, "translate.engine is 'tpu', but must be 'auto', 'cpu' or 'gpu'."),
        ({"translate": 3}, "translate is 3, but must be a table, e.g. { key = value }."),
        ({"atlas": {"overlap": 1.0}}, "atlas.overlap is 1.0, but must be less than 1."),
        ({"atlas": {"bin_kpc": float("nan")}}, "atlas.bin_kpc is nan, but must be a finite number."),
        (
            {"atlas": {"ring_edges_kpc": [3.0]}},
            "atlas.ring_edges_kpc is [3.0], but must be a list of at least 2 values.",
        ),
        ({"atlas": {"select": {"LOGG": [1.0]}}}, "atlas.select.LOGG has too few values: number 2 is missing. Add it."),
        (
            {"atlas": {"select": {"LOGG": [2.5, 1.5]}}},
            "atlas.select.LOGG: the numbers must ascend, e.g. [1.5, 2.5] (got [2.5, 1.5]).",
        ),
        ({"cluster": {"kind": "address"}}, 'cluster: give `address` if kind is "address", and only then.'),
        # The file has no word for the members of a union, which pydantic adds to the location.
        (
            {"pair": {"match": {"by": "position", "radius_arcsec": 61}}},
            "pair.match.radius_arcsec is 61, but must be at most 60.",
        ),
        (
            {"pair": RUN["pair"] | {"max_ebv": -1.0}},
            "pair.max_ebv is -1.0, but must be greater than 0 or 'none'.",
        ),
        ({"pair": {"match": {"by": "id", "colum": "x"}}}, "unknown key 'pair.match.colum'. Did you mean 'column'?"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_problem_names_the_key_its_value_and_what_is_allowed(change: dict, message: str):
    assert refusal(RunConfig, RUN, change) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": {"TEFF": {}}}, "the key 'labels.TEFF.column' is missing. Add it."),
        ({"labels": {"TEFF": {"column": "t", "vlaid": 1}}}, "unknown key 'labels.TEFF.vlaid'. Did you mean 'valid'?"),
        ({"labels": {"TEFF": {"column": "t", "error_floor": -1.0}}}, "labels.TEFF.error_floor is -1.0, but must be at"),
        ({"cuts": [{"column": "a", "op": "=>", "value": 3}]}, "cuts.0.op is '=>', but must be '>', '>=', '<', '<=', "),
    ],
)  # fmt: skip
def test_a_problem_inside_named_tables_and_arrays_has_its_place(change: dict, message: str):
    assert refusal(SurveyDefinition, SURVEY, change).startswith(message)


def refusal(model: type[TomlModel], content: dict, change: dict) -> str:
    """Return what is said of a content with a change, which is valid without."""
    validate(model, content, "file", ConfigError)
    with pytest.raises(ConfigError) as caught:
        validate(model, content | change, "file", ConfigError)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("file: ")


def test_a_path_may_begin_with_the_home_folder():
    run = validate(RunConfig, RUN | {"output": "~/runs/first"}, "file", ConfigError)
    assert run.output == Path.home() / "runs" / "first"

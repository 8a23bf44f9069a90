"""The head of a card is YAML that programs can read, with what the ensemble and evaluate say."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from stdask.errors import EnsembleError
from stdask.runs.card.head import render_head, with_license, without_head
from stdask.runs.ensemble import Ensemble, open_ensemble
from stdask.schema.evaluation import ScoreRow
from stdask.storage import paths
from tests.runs.test_ensemble import saved

SCORES = [
    ScoreRow("intrinsic", "TEFF", "K", method, 80, 12.3456, 4.0, 90.0, 5.0, 80.0, 6.0, mae, 5.0, mae - 50.0, 4.0)
    for method, mae in (("raw", 90.0), ("translated", 50.0))
]


@pytest.fixture
def ensemble(tmp_path: Path) -> Ensemble:
    return open_ensemble(paths.ensemble(saved(tmp_path).output))


def content(head: str) -> dict:
    found = re.fullmatch(r"---\n(.*)---\n", head, re.DOTALL)
    assert found is not None
    return yaml.safe_load(found[1])


def test_the_head_names_the_ensemble_its_surveys_and_its_columns(ensemble: Ensemble):
    head = content(render_head(ensemble, [], "0.7.0"))
    assert (head["license"], head["library_name"]) == ("unknown", "stdask")
    assert "model-index" not in head  # not evaluated yet
    own = head["stdask"]
    assert (own["name"], own["version"], own["digest"]) == ("mock_a_to_mock_b", "0.7.0", ensemble.digest)
    assert own["surveys"] == {
        "a": {"name": "mock_a", "title": "LAMOST DR3", "reference": "made by hand"},
        "b": {"name": "mock_b", "title": "APOGEE DR17", "reference": "made by hand"},
    }
    assert [(label["name"], label["unit"], label["from"]) for label in own["labels"]] == [
        ("TEFF", "K", "TEFF"),
        ("MG_FE", "dex", None),
        ("VHELIO", "km/s", "RV"),
    ]
    assert own["inputs"] == [
        {"name": "TEFF", "unit": "K"},
        {"name": "BP_MAG", "unit": "mag"},
        {"name": "G_MAG", "unit": "mag"},
        {"name": "RP_MAG", "unit": "mag"},
        {"name": "RV", "unit": "km/s"},
    ]
    assert own["references"][1:] == ["made by hand"]


def test_the_accuracy_is_that_of_the_translation_with_errors(ensemble: Ensemble):
    (model,) = content(render_head(ensemble, SCORES, "0.7.0"))["model-index"]
    assert model["name"] == "mock_a_to_mock_b"
    (result,) = model["results"]
    assert result["task"] == {"type": "tabular-regression", "name": "TEFF"}
    assert result["dataset"]["args"] == {"n_stars": 80}
    found = {metric["type"]: (metric["value"], metric["error"], metric["unit"]) for metric in result["metrics"]}
    assert found == {"mae": (50.0, 5.0, "K"), "robust": (80.0, 6.0, "K"), "bias": (12.35, 4.0, "K")}


@pytest.mark.parametrize(
    "title", ["a: b # c", "---\nx: y", 'it\'s "quoted"', "[Fe/H] \\ {x}", "é ☆", "yes", "\x1b[31m"]
)
def test_any_title_survives_as_one_line(ensemble: Ensemble, title: str):
    definition = ensemble.definition.model_copy(update={"title": title})
    text = render_head(replace(ensemble, definition=definition), SCORES, "0.7.0")
    assert content(text)["stdask"]["surveys"]["a"]["title"] == " ".join(title.split())
    assert without_head(text + "# Card\n\n---\n") == "# Card\n\n---\n"


def test_a_licence_replaces_the_unknown_one_in_the_head_alone(ensemble: Ensemble):
    card = render_head(ensemble, [], "0.7.0") + "# Card\n\nlicense: unknown\n"
    stated = with_license(card, "cc-by-4.0")
    assert content(stated.removesuffix("# Card\n\nlicense: unknown\n"))["license"] == "cc-by-4.0"
    with pytest.raises(EnsembleError, match="has no head"):
        with_license("# Card\n\nlicense: unknown\n", "cc-by-4.0")

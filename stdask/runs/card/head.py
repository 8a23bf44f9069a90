"""The head of a model card: YAML for programs, with the keys of Hugging Face's model cards where these have one.

Source: https://huggingface.co/docs/hub/model-cards; what they have no key for stands under `stdask`.
"""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from stdask.errors import EnsembleError
from stdask.runs.ensemble import Ensemble
from stdask.schema.evaluation import ScoreRow
from stdask.science.translation.resampling import measured_behind

METHOD = "Thomas, G. F., Battaglia, G., Gran, F., et al. 2024, A&A 690, A54"
UNSTATED = "license: unknown  # not stated; `stdask pack --license` states it"
HEAD = re.compile(r"\A---\n.*?^---\n+", re.DOTALL | re.MULTILINE)
RESULTS = "model-index"
METRICS = {"mae": "mean absolute error", "robust": "robust standard deviation", "bias": "mean difference"}


def render_head(ensemble: Ensemble, scores: Iterable[ScoreRow], version: str) -> str:
    """Return the head of a card, between its lines of dashes.

    Parameters
    ----------
    ensemble
        What the card describes.
    scores
        Of the test stars, compared with B; empty before evaluate.
    version
        Of the stdask that trained it.
    """
    a, b = ensemble.definition, ensemble.target
    content: dict[str, Any] = {
        "library_name": "stdask",
        "pipeline_tag": "tabular-regression",
        "tags": ["astronomy", "stellar-parameters", "spectroscopic-surveys"],
    }
    content["stdask"] = {
        "name": ensemble.name,
        "version": version,
        "digest": ensemble.digest,
        "surveys": {
            letter: {"name": own.name, "title": _line(own.title), "reference": _line(own.reference)}
            for letter, own in (("a", a), ("b", b))
        },
        "labels": [
            {"name": label, "unit": b.units[label], "family": family.name, "from": source}
            for family in ensemble.families
            for label, source in zip(family.labels, family.counterparts, strict=True)
        ],
        "inputs": _inputs(ensemble),
        "references": [METHOD, *dict.fromkeys([_line(a.reference), _line(b.reference)])],
    }
    if results := [_result(row, b.title, b.name) for row in scores if row.method == "translated"]:
        content[RESULTS] = [{"name": ensemble.name, "results": results}]
    return f"---\n{UNSTATED}\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)}---\n"


def is_evaluated(card: str) -> bool:
    """Tell whether the head of a card has the accuracy of the ensemble."""
    head = HEAD.match(card)
    return bool(head and re.search(rf"^{RESULTS}:", head[0], re.MULTILINE))


def without_head(card: str) -> str:
    """Return the part of a card that is for people."""
    return HEAD.sub("", card, count=1)


def with_license(card: str, name: str) -> str:
    """Return a card whose head states a licence.

    Raises
    ------
    EnsembleError
        If the card has no head.
    """
    if not HEAD.match(card):
        raise EnsembleError("The card has no head that could state a licence. Run `stdask train` to write it again.")
    return re.sub(r"^license: .*$", f"license: {name}", card, count=1, flags=re.MULTILINE)


def _inputs(ensemble: Ensemble) -> list[dict[str, str]]:
    """Return the measured columns that the networks read, each once, with their units."""
    units = ensemble.definition.units
    names = dict.fromkeys(name for family in ensemble.families for name in measured_behind(family.inputs)[0])
    return [{"name": name, "unit": units.get(name, "mag")} for name in names]


def _result(row: ScoreRow, survey: str, name: str) -> dict[str, Any]:
    """Return the accuracy of a label as an entry of `model-index`."""
    metrics = [
        {
            "type": key,
            "name": f"{words} from {_line(survey)}",
            "value": _rounded(getattr(row, key)),
            "error": _rounded(getattr(row, f"{key}_err")),
            "unit": row.unit,
        }
        for key, words in METRICS.items()
    ]
    dataset = {"name": f"test stars of {_line(survey)}", "type": name, "args": {"n_stars": row.n}}
    return {"task": {"type": "tabular-regression", "name": row.label}, "dataset": dataset, "metrics": metrics}


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _line(text: str) -> str:
    return " ".join(text.split())

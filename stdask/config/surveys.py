"""The surveys of a run file: A and B, or several surveys on the scale of one B.

A run file of several surveys is split into one of two surveys for each of them, before anything is checked: the rest of
stdask knows nothing but runs of A and B.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from stdask.config.messages import Location
from stdask.config.stages import DRAWN, PairConfig, SurveyConfig
from stdask.config.toml import TomlModel
from stdask.config.training import TrainConfig
from stdask.errors import ConfigError

FOLDER = "surveys"  # of the runs of the second and later surveys, in the run folder
NUMBERED = re.compile(r"a([1-9][0-9]*)")
OWN_TABLES = ("pair", "train")  # that a numbered survey may have


def keys_of(model: type[TomlModel]) -> dict[str, Any]:
    """Return the JSON schema of a table that has any of the keys of another one, none of which it needs."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    properties = {name: {"description": field.description} for name, field in fields.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


class NumberedSurveyConfig(SurveyConfig):
    """One of several surveys that are translated to the scale of B.

    The order of the numbers is the order of precedence in the merged catalogue. Settings of all surveys are in `[pair]`
    and `[train]`; a survey may have others, key by key: with `[[surveys.a2.train.intrinsic]]`, no intrinsic label of
    `[train]` is left for it. A survey with `ensemble` in its `train` takes nothing from `[pair]`, `[train]`, `[domain]`
    and `[evaluate]`, and has the draws of the ensemble.
    """

    pair: Annotated[dict[str, Any], WithJsonSchema(keys_of(PairConfig))] = Field(default_factory=dict)
    """Keys that replace those of `[pair]` for this survey."""
    train: Annotated[dict[str, Any], WithJsonSchema(keys_of(TrainConfig))] = Field(default_factory=dict)
    """Keys that replace those of `[train]` for this survey."""


class SurveysConfig(TomlModel):
    """The surveys. A is translated to the scale of B.

    Several surveys can be translated to the scale of one B: [Many surveys](many_surveys.md). They are called `a1`,
    `a2` and so on, without a gap, and there is no `a` then.
    """

    a: SurveyConfig
    """Survey A, which is translated. Needed unless there is `a1`."""
    b: SurveyConfig
    """Survey B, whose scale A is put on."""
    numbered: ClassVar[Mapping[str, FieldInfo]] = {
        "a1": FieldInfo(
            annotation=NumberedSurveyConfig,
            default=None,
            description="With `a2`, `a3` and so on, instead of `a`: several surveys that are translated, in the order "
            "of their precedence.",
        )
    }

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema for editors, with the surveys that have a number."""
        numbered = handler(NumberedSurveyConfig.__pydantic_core_schema__)
        schema = handler(core_schema)
        own = handler.resolve_ref_schema(schema)
        own["patternProperties"] = {f"^{NUMBERED.pattern}$": numbered}
        own["required"] = ["b"]
        own["anyOf"] = [{"required": ["a"]}, {"required": ["a1"]}]
        return schema


@dataclass(frozen=True)
class RunPart:
    """What a run file says of one of its translated surveys, as the content of a run file of two surveys."""

    key: str  # of the survey in [surveys]
    content: dict[str, Any]
    own: Mapping[str, Collection[str]] = field(default_factory=dict)  # table of the survey -> its keys

    @property
    def is_numbered(self) -> bool:
        """Whether it is one of several surveys."""
        return self.key != "a"

    def place(self, location: Location) -> Location:
        """Return where a key of the content stands in the run file."""
        if location[:2] == ("surveys", "a"):
            return ("surveys", self.key, *location[2:])
        table, key = str(location[0]), location[1:2]
        is_own = table in self.own and (not key or key[0] in self.own[table])
        return ("surveys", self.key, *location) if is_own else location


def split_surveys(content: dict[str, Any], where: str) -> list[RunPart]:
    """Return what a run file says of each translated survey; of one of two surveys, the content as it is.

    Parameters
    ----------
    content
        Of the run file; it need not be valid.
    where
        The run file, in the message of an error.

    Raises
    ------
    ConfigError
        If a number of a survey is left out, or a survey without a number stands among those with one.
    """
    surveys = content.get("surveys")
    keys = [key for key in surveys if NUMBERED.fullmatch(key)] if isinstance(surveys, dict) else []
    if not keys:
        return [RunPart("a", content)]
    wanted = [f"a{number}" for number in range(1, len(keys) + 1)]
    if lacking := [key for key in wanted if key not in keys]:
        raise ConfigError(
            f"{where}: [surveys] has {', '.join(keys)}, but no {lacking[0]}. Number the translated "
            "surveys from 1, without gaps."
        )
    if "a" in content["surveys"]:
        raise ConfigError(
            f"{where}: [surveys] has both `a` and `a1`. Give each translated survey a number, in "
            "the order of their precedence."
        )
    return [_part(content, key, is_first=key == wanted[0]) for key in wanted]


def _part(content: dict[str, Any], key: str, is_first: bool) -> RunPart:
    """Return the content for one survey: its own tables replace keys of those that all share."""
    surveys = content["surveys"]
    survey = surveys[key]
    tables = {name: survey[name] for name in OWN_TABLES if name in survey} if isinstance(survey, dict) else {}
    shared = dict(content)
    if isinstance(own := tables.get("train"), dict) and "ensemble" in own:
        for name in ("pair", "train", "domain", "evaluate"):  # A trained ensemble has no use for them.
            shared.pop(name, None)
        shared |= _without(shared, "translate", DRAWN)
    if not is_first:  # The first survey's run merges them all.
        shared |= _without(shared, "merge", ("also",))
    others = {name: value for name, value in surveys.items() if not NUMBERED.fullmatch(name)}
    plain = {name: v for name, v in survey.items() if name not in tables} if isinstance(survey, dict) else survey
    merged = {name: _over(shared.get(name), table) for name, table in tables.items()}
    keys = {name: list(table) if isinstance(table, dict) else [] for name, table in tables.items()}
    return RunPart(key, shared | {"surveys": others | {"a": plain}} | merged, keys)


def _over(shared: Any, own: Any) -> Any:
    """Return a table with its keys replaced by those of a survey's own; values that are no tables are not valid."""
    return {**shared, **own} if isinstance(shared, dict) and isinstance(own, dict) else own


def _without(content: dict[str, Any], name: str, keys: Collection[str]) -> dict[str, Any]:
    table = content.get(name)
    if not isinstance(table, dict):
        return {}
    return {name: {key: value for key, value in table.items() if key not in keys}}

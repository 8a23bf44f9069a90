"""Open a run file. A run that names a trained ensemble gets its labels and settings."""

import contextlib
import json
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from stdask import schema
from stdask.config.checks.run_file import check_columns, check_labels, check_later_stages
from stdask.config.derived import with_derived
from stdask.config.run import Run, joined, load_run
from stdask.config.stages import DRAWN
from stdask.config.survey import SurveyDefinition
from stdask.config.training import LabelConfig
from stdask.errors import ConfigError
from stdask.storage import paths

if TYPE_CHECKING:
    from stdask.network.ensemble import Family
    from stdask.runs.ensemble import Ensemble


def open_run(path: Path, data_dir: Path | None = None, output: Path | None = None, allow_remote: bool = False) -> Run:
    """Read a run file and all that it names, as `load_run` does, with the settings of a trained ensemble.

    Raises
    ------
    ConfigError, SurveyError
        As `load_run`; and if the ensemble was trained for other surveys.
    EnsembleError
        If the ensemble cannot be read.
    """
    run = load_run(path, data_dir, output, allow_remote)
    if not any(part.config.train.ensemble for part in run.parts):
        return run
    keys = [f"surveys.a{number}.train" for number in range(1, len(run.parts) + 1)] if run.further else ["train"]
    run = joined([_completed(part, path, key) for part, key in zip(run.parts, keys, strict=True)])
    check_later_stages(run, f"Run file {path}")
    return run


def _completed(run: Run, path: Path, table: str) -> Run:
    """Return the run of one survey, with the settings of a trained ensemble if its table of the run file names one."""
    if run.config.train.ensemble is None:
        return run
    from stdask.runs.ensemble import open_ensemble  # slow to import

    bundle = run.data_dir / run.config.train.ensemble
    try:
        if bundle.is_dir():
            raise ConfigError(f"{bundle} is a folder. Make one file of it with `stdask pack` and name that.")
        return _with_settings(run, open_ensemble(bundle), path)
    except ConfigError as exc:
        exc.add_note(f"Run file {path}: [{table}] ensemble")
        raise


def reopen_run(path: Path, data_dir: Path | None = None, allow_remote: bool = False) -> Run:
    """Read a run file as `open_run` does; the survey files are by default where the last run found them."""
    if data_dir is None and (last := last_run(load_run(path).output)):
        data_dir = Path(last["data_dir"])
    return open_run(path, data_dir, allow_remote=allow_remote)


def last_run(output: Path) -> Mapping[str, Any]:
    """Return the run file of the last run in a folder, with its folders; empty if there has been none."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads((output / paths.RUN_COPY).read_text(encoding="utf-8"))
        return dict(content["run"])
    return {}


def known_run(output: Path) -> Run | None:
    """Return the last run in a folder, as that folder tells of it; None if there has been none, or of another version.

    The folder, and those of further surveys in it, may have been moved since.
    """
    with contextlib.suppress(ValidationError):
        run = Run.model_validate(last_run(output))
        return joined([part.model_copy(update={"output": output}) for part in run.parts])
    return None


def _with_settings(run: Run, ensemble: "Ensemble", path: Path) -> Run:
    """Return a run with the labels, networks and draws of an ensemble."""
    _check_surveys(run, ensemble)
    intrinsic = ensemble.families[0]
    labels = {name: _labels(ensemble.families, name) for name in schema.FAMILIES}
    features = tuple(name for name in intrinsic.inputs if name not in intrinsic.counterparts)
    own = {"features": features, "n_members": intrinsic.plan.n_members}
    train = run.config.train.model_copy(update={**labels, **own})
    draws = {name: getattr(ensemble.draws, name) for name in DRAWN}
    translate = run.config.translate.model_copy(update=draws)
    config = run.config.model_copy(update={"train": train, "translate": translate})
    check_labels(config, run.definition_a, run.definition_b, f"Run file {path}")
    _check_columns(run.definition_a, ensemble)
    definition_a = with_derived(run.definition_a, train.all_inputs)
    check_columns(definition_a, run.definition_b, f"Run file {path}")
    return run.model_copy(update={"config": config, "definition_a": definition_a})


def _labels(families: tuple["Family", ...], name: str) -> tuple[LabelConfig, ...]:
    return tuple(
        LabelConfig.model_validate({"label": label, "from": source})
        for family in families
        if family.name == name
        for label, source in zip(family.labels, family.counterparts, strict=True)
    )


def _check_surveys(run: Run, ensemble: "Ensemble") -> None:
    """Raise if an ensemble was trained on other surveys, or its labels have other units."""
    trained = (ensemble.definition.name, ensemble.target.name)
    asked = (run.definition_a.name, run.definition_b.name)
    if trained != asked:
        raise ConfigError(
            f"the ensemble puts {trained[0]} on the scale of {trained[1]}, but this run {asked[0]} on that of "
            f"{asked[1]}. Name another ensemble, or other definitions."
        )
    for name, unit in ensemble.target.units.items():
        if name in run.definition_b.labels and run.definition_b.units[name] != unit:
            raise ConfigError(
                f"{name} of {asked[1]} is in {run.definition_b.units[name]!r}, but was in {unit!r} when the ensemble "
                "was trained. Use the same definition."
            )


def _check_columns(a: SurveyDefinition, ensemble: "Ensemble") -> None:
    """Raise if the inputs of an ensemble mean something else in the definition of A than when it was trained."""
    own, inputs = ensemble.definition, set(ensemble.inputs)
    for name in sorted(inputs & set(a.labels)):
        _check_same(f"labels.{name}", a.labels[name], own.labels[name])
    derived = [known for name in inputs - set(a.labels) if (known := schema.derived_quantity(name))]
    if derived:
        _check_same("photometry", a.photometry, own.photometry)
        if own.ebv_map and not a.ebv_map:
            raise ConfigError(f"A was dereddened with the map {own.ebv_map}. Name it as `ebv_map` in [surveys.a].")
    if any(not known.is_colour for known in derived):
        _check_same("parallax", a.parallax, own.parallax)
        distances = () if own.parallax else zip_longest(a.distances, own.distances)
        for number, (now, trained) in enumerate(distances, start=1):
            _check_same(f"distances.{number}", now, trained)


def _check_same(table: str, now: Any, trained: Any) -> None:
    """Raise if a table of a definition has changed, apart from its words."""
    words = {"description", "reference"}
    before, after = (own.model_dump(mode="json", exclude=words) if own else {} for own in (trained, now))
    if changed := [key for key in {**before, **after} if before.get(key) != after.get(key)]:
        key = changed[0]
        raise ConfigError(
            f"{table}.{key} of the definition of A is {after.get(key)!r}, but was {before.get(key)!r} when the "
            "ensemble was trained. Use the same definition."
        )

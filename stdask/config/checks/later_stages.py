"""What the later stages of a run need, checked before the first one works: names of columns, labels, velocities."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stdask import schema
from stdask.config.atlas import ABUNDANCES, METALLICITIES
from stdask.config.checks.names import SOURCE_ID, collision_of_maps, repeated
from stdask.config.messages import nearest
from stdask.config.stages import MEAN, MatchById
from stdask.config.survey import SurveyDefinition

if TYPE_CHECKING:
    from stdask.config.run import Run, RunConfig


def problem_of_survey(run: "Run") -> str:
    """Return what a stage of the run of one survey would stop at, and the remedy; empty if nothing is known to.

    Parameters
    ----------
    run
        With the definitions of its surveys, which have all colours and magnitudes that the run adds.
    """
    config, a, b = run.config, run.definition_a, run.definition_b
    return next(iter([*_of_pair(config, a, b), *_of_merge(config, a, b)]), "")


def problem_of_all(run: "Run") -> str:
    """Return the same of what all surveys of a run file share: `run` is that of the first, with the others."""
    return next(iter([*_of_evaluate(run), *_of_lists(run), *_of_atlas(run)]), "")


def _of_pair(config: "RunConfig", a: SurveyDefinition, b: SurveyDefinition) -> Iterator[str]:
    if config.pair is None or not isinstance(match := config.pair.match, MatchById):
        return
    for definition, name in ((a, match.column), (b, match.column_b or match.column)):
        ids = [definition.id, *([SOURCE_ID] if definition.gaia_id else []), *definition.keep]
        if name not in ids:
            yield (
                f"[pair] match: the catalogue of {definition.name} has no column {name!r}. Name one of "
                f"{', '.join(dict.fromkeys(ids))}, or a further column in `keep` of its definition."
            )


def _of_evaluate(run: "Run") -> Iterator[str]:
    tested = [part.config for part in run.parts if part.config.train.ensemble is None]  # all by the same [evaluate]
    if not tested:
        return
    labels = [item.label for own in tested for family in schema.FAMILIES for item in own.train.labels(family)]
    trained, clusters, benchmark = dict.fromkeys(labels), tested[0].evaluate.clusters, tested[0].evaluate.benchmark
    asked = [("clusters", "literature", label) for label in (clusters.literature if clusters else ())]
    asked += [("benchmark", "labels", label) for label in (benchmark.labels if benchmark else ())]
    for table, key, label in asked:
        if label not in trained:
            yield (
                f"[evaluate] {table}: {key} names {label!r}, but the run translates {', '.join(trained)}. Name one of "
                "these, or remove it."
            )
    if benchmark and (lost := [label for label in benchmark.errors if label not in benchmark.labels]):
        yield f"[evaluate] benchmark: errors names {lost[0]!r}, but labels does not. Add it there."
    for table, known in (("clusters", clusters), ("benchmark", benchmark)):
        if known and known.id_a and len(tested) > 1:
            yield (
                f"[evaluate] {table}: id_a names the ids of one survey, but the table serves {len(tested)} of them. "
                "Name source_id instead, or columns of positions, ra and dec."
            )


def _of_lists(run: "Run") -> Iterator[str]:
    numbered = [f"a{number}" for number in range(1, len(run.parts) + 1)]
    known = [*(numbered if run.further else ["a"]), "b"]
    for stars in run.config.merge.exclude:
        if stars.survey not in (*known, *numbered):  # `a1` may stand alone
            yield (
                f"[[merge.exclude]] survey of {stars.file.name} is {stars.survey!r}, but the surveys of the run are "
                f"{', '.join(known)}. Name that which the ids belong to."
            )


def _of_merge(config: "RunConfig", a: SurveyDefinition, b: SurveyDefinition) -> Iterator[str]:
    if config.merge.max_ebv and schema.EBV not in a.catalogue_columns:
        yield (
            f"[merge] max_ebv is set, but {a.name} has no reddening, so none of its stars would be merged. Remove "
            "max_ebv, or name a map of E(B-V) (`ebv_map`) for the survey."
        )
    if twice := repeated(c.name for c in _columns_of_labels(config, b)):
        yield (
            f"the merged catalogue would have two columns {twice[0]!r} and {twice[1]!r}. Rename a label of {b.name} "
            "in its survey definition."
        )


def _of_atlas(run: "Run") -> Iterator[str]:
    atlas, a, b, numbers = run.config.atlas, run.definition_a, run.definition_b, _numbers(run)
    asked = [("labels", name) for name in atlas.labels] + [("select", name) for name in atlas.select]
    asked += [("weight", atlas.weight)] if atlas.weight else []
    asked += [("radius", "R_GUIDE")] if atlas.radius == "R_GUIDE" else []
    for key, name in asked:
        if name not in numbers:
            near = nearest(name, numbers)
            hint = f"Did you mean {near!r}?" if near else f"{b.name} (B) measures {', '.join(b.labels)}."
            why = _why_no_velocity(a, b) if name in {c.name for c in (*schema.VELOCITIES, *schema.ORBITS)} else hint
            yield f"[atlas] {key}: the merged catalogue has no number {name!r}. {why}"
    if atlas.alpha != "all" and not all(set(names) & set(b.labels) for names in (METALLICITIES, ABUNDANCES)):
        yield (
            f"[atlas] alpha = {atlas.alpha!r} needs one of {', '.join(METALLICITIES)} and one of "
            f"{', '.join(ABUNDANCES)}, but {b.name} (B) measures {', '.join(b.labels)}. Remove alpha."
        )
    if text := collision_of_maps(atlas.labels):
        yield f"[atlas] labels: {text}."


def _why_no_velocity(a: SurveyDefinition, b: SurveyDefinition) -> str:
    velocity = "" if any(map(schema.is_velocity, b.labels)) else f"a label RV or VHELIO of {b.name}"
    motion = "" if a.proper_motion or b.proper_motion else "[proper_motion] in a survey definition"
    return f"It needs {' and '.join(filter(None, (velocity, motion)))}."


def _numbers(run: "Run") -> list[str]:
    """Return the numbers of the merged catalogue, also those that surveys of other runs may add."""
    config, b = run.config, run.definition_b
    definitions = [*(part.definition_a for part in run.parts), b]
    names = [{column.name for column in definition.catalogue_columns} for definition in definitions]
    if config.merge.also:
        names.append({schema.EBV.name, *(column.name for column in schema.PROPER_MOTION)})
    columns = schema.merged_table(names, _columns_of_labels(config, b), any(map(schema.is_velocity, b.labels)))
    return [column.name for column in columns if column.dtype.startswith("float")]


def _columns_of_labels(config: "RunConfig", b: SurveyDefinition) -> list[schema.Column]:
    members, of_means = config.train.n_members, config.merge.values == MEAN
    trained = {item.label for family in schema.FAMILIES for item in config.train.labels(family)}
    return [
        column
        for name in b.labels
        for column in schema.merged_columns(name, n_members=members if name in trained else 0, of_means=of_means)
    ]

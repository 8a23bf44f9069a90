"""A trained ensemble with everything that a translation needs: no run folder, no survey file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, model_validator

from stdask.config.survey import SurveyDefinition, SurveyName
from stdask.config.toml import TomlModel, local_path, validate
from stdask.errors import EnsembleError
from stdask.network.ensemble import Draws, Family
from stdask.network.parts import from_parts, to_parts
from stdask.science.measurements.repeats import ErrorFactors
from stdask.storage import paths
from stdask.storage.bundles import LIMITS, read_bundle, write_bundle
from stdask.storage.ensembles import CARD, DOCUMENT, read_ensemble, write_ensemble

if TYPE_CHECKING:  # what only runs need is imported there: a translation starts faster
    from stdask.config.run import Run, RunConfig

CHOICES = "Name a packed ensemble, its folder, or the folder of the run that trained it."


@dataclass(frozen=True)
class TargetSurvey:
    """Survey B, as far as a translation needs it."""

    name: SurveyName
    title: str
    reference: str
    units: Mapping[str, str]  # of the translated labels


@dataclass(frozen=True)
class Ensemble:
    """A trained ensemble with everything that a translation needs: no run folder, no survey file."""

    name: str  # "<a>_to_<b>"
    families: tuple[Family, ...]
    definition: SurveyDefinition  # of A, as it was trained on
    target: TargetSurvey
    draws: Draws  # for a processor: who translates chooses the engine
    error_factors: Mapping[str, ErrorFactors]  # of the stated errors of A; none without `rescale_errors`
    digest: str  # SHA-256 of everything above
    card: str  # text of card.md; empty before it is written

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of A that the networks read, each once."""
        return tuple(dict.fromkeys(name for family in self.families for name in family.inputs))


class StoredDraws(TomlModel):
    """How the Monte Carlo realisations are made, on disk."""

    n_draws: int = Field(ge=2)
    sampler: str = Field(pattern="^(sobol|random)$")
    seed: int = Field(ge=0, lt=2**32)
    include_nominal: bool


class StoredFactors(TomlModel):
    """The factors of the errors of a label, on disk: see `ErrorFactors`."""

    edges: tuple[float, ...]
    n_pairs: tuple[int, ...]
    factors: tuple[float, ...]
    errors: tuple[float | None, ...]

    @model_validator(mode="after")
    def _bins_agree(self) -> Self:
        if {len(self.edges) + 1} != {len(self.n_pairs), len(self.factors), len(self.errors)}:
            raise ValueError("edges, n_pairs, factors and errors are not those of the same bins")
        return self


class StoredContent(TomlModel):
    """What the translations of an ensemble depend on apart from its families, on disk."""

    name: str
    definition: SurveyDefinition
    target: TargetSurvey
    draws: StoredDraws
    error_factors: dict[str, StoredFactors]

    @model_validator(mode="after")
    def _map_is_relative(self) -> Self:
        if self.definition.ebv_map and self.definition.ebv_map.is_absolute():
            raise ValueError(f"the map {self.definition.ebv_map} is named by an absolute path")
        return self


def draws_of(config: "RunConfig") -> Draws:
    """Return the Monte Carlo settings of `[translate]`, for a processor: the workers choose the engine."""
    from stdask.runs.registry import n_draws_of

    translate = config.translate
    return Draws(n_draws_of(config), translate.sampler, config.seed, translate.include_nominal)


def save_ensemble(run: "Run", families: Sequence[Family], provenance: Mapping[str, Any]) -> list[Path]:
    """Write the trained ensemble of a run, self-contained; return the files.

    Parameters
    ----------
    run
        Whose catalogue of A is there.
    families
        The trained networks.
    provenance
        What they were trained on, for people.
    """
    from stdask.runs.receipts import library_versions
    from stdask.storage.error_factors import read_factors

    a, b, draws = run.definition_a, run.definition_b, draws_of(run.config)
    factors = read_factors(paths.catalogue(run.output, a.name), a)
    content = StoredContent(
        name=f"{a.name}_to_{b.name}",
        definition=_relocatable(a),
        target=TargetSurvey(b.name, b.title, b.reference, {name: b.units[name] for f in families for name in f.labels}),
        draws=StoredDraws(
            n_draws=draws.n_draws, sampler=draws.sampler, seed=draws.seed, include_nominal=draws.include_nominal
        ),
        error_factors={name: _stored(own) for name, own in factors.items()},
    )
    return write_ensemble(
        paths.ensemble(run.output),
        {family.name: to_parts(family) for family in families},
        content.model_dump(mode="json"),
        {**provenance, "versions": library_versions()},
    )


def pack_ensemble(path: Path, bundle: Path, edit_card: Callable[[str], str]) -> Ensemble:
    """Write an ensemble as one file, and return it.

    Parameters
    ----------
    path
        Folder of the ensemble, or of the run that trained it.
    bundle
        File to write; the same ensemble gives the same bytes.
    edit_card
        Changes the text of the card.

    Raises
    ------
    EnsembleError
        If there is no ensemble, or it is damaged or has no card.
    """
    folder = folder_of(path)
    ensemble = open_ensemble(folder)
    if not ensemble.card:
        raise EnsembleError(f"{folder} has no {CARD}, which tells others what the ensemble is. Run `stdask train`.")
    files = {name: (folder / name).read_bytes() for name in LIMITS if (folder / name).is_file()}
    write_bundle(bundle, files | {CARD: edit_card(ensemble.card).encode()})
    return ensemble


def open_ensemble(path: Path | str) -> Ensemble:
    """Open a trained ensemble.

    Parameters
    ----------
    path
        A packed ensemble, the folder of an ensemble, or that of the run that trained it.

    Raises
    ------
    EnsembleError
        If there is none, or it is damaged or not finished.
    """
    path = local_path(path)
    stored = read_bundle(path) if path.is_file() else read_ensemble(folder_of(path))
    content = validate(StoredContent, dict(stored.content), f"The ensemble {path}", EnsembleError)
    return Ensemble(
        name=content.name,
        families=tuple(from_parts(*parts) for parts in stored.families.values()),
        definition=content.definition,
        target=content.target,
        draws=Draws(**content.draws.model_dump()),
        error_factors={name: _restored(own) for name, own in content.error_factors.items()},
        digest=stored.digest,
        card=stored.card,
    )


def folder_of(path: Path) -> Path:
    """Return the folder of an ensemble, which may be that of a run.

    Raises
    ------
    EnsembleError
        If neither lies there, or the run is not trained.
    """
    if (path / DOCUMENT).is_file():
        return path
    if not path.exists():
        raise EnsembleError(f"No file or folder {path}. {CHOICES}")
    if not (path / paths.RUN_COPY).is_file():
        raise EnsembleError(f"{path} holds no trained ensemble. {CHOICES}")
    from stdask.runs.receipts import read_receipt

    if read_receipt(path, "train") is None:
        raise EnsembleError(f"The run {path} has no trained ensemble yet. Run `stdask train` first.")
    return paths.ensemble(path)


def _relocatable(definition: SurveyDefinition) -> SurveyDefinition:
    """Return a definition that names its map by a relative path: an absolute one is that of this machine."""
    ebv_map = definition.ebv_map
    if ebv_map is None or not ebv_map.is_absolute():
        return definition
    return definition.model_copy(update={"ebv_map": Path(ebv_map.name)})


def _stored(factors: ErrorFactors) -> StoredFactors:
    errors = [None if np.isnan(error) else error for error in factors.errors.tolist()]
    columns = factors._asdict() | {"errors": errors}
    return StoredFactors(**{name: tuple(column) for name, column in columns.items()})


def _restored(stored: StoredFactors) -> ErrorFactors:
    return ErrorFactors(
        np.array(stored.edges, np.float64),
        np.array(stored.n_pairs, np.int64),
        np.array(stored.factors, np.float64),
        np.array(stored.errors, np.float64),
    )

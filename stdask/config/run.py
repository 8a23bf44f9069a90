"""run.toml as frozen models: one table a stage. Checks values, never touches survey or catalogue files."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stdask import schema
from stdask.config.cluster import ClusterConfig
from stdask.config.survey import SurveyDefinition, load_definition
from stdask.config.toml import InnerPath, TomlModel, load_toml, validate
from stdask.errors import ConfigError


def _ascending(numbers: tuple[float, ...]) -> tuple[float, ...]:
    if any(low >= high for low, high in pairwise(numbers)):
        raise ValueError("the numbers must ascend, e.g. [1.5, 2.5]")
    return numbers


Positive = Annotated[float, Field(gt=0)]
Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
Edges = Annotated[tuple[float, ...], Field(min_length=2), AfterValidator(_ascending)]
Rate = Annotated[float, Field(gt=0)]


class SurveyConfig(TomlModel):
    """`[surveys.a]` or `[surveys.b]`: a definition and its file."""

    definition: str  # a shipped name, or the path of a .toml relative to run.toml
    file: InnerPath  # relative to --data-dir
    ebv_map: InnerPath | None = None  # HEALPix FITS map of E(B-V), relative to --data-dir: instead of the survey's own


class SurveysConfig(TomlModel):
    """`[surveys]`: A is translated to the scale of B."""

    a: SurveyConfig
    b: SurveyConfig


class IngestConfig(TomlModel):
    """`[ingest]`."""

    rows_per_block: int = Field(default=250_000, ge=1)  # of the survey file, read at once by one worker
    # at most, unless they share one order-18 pixel; none: of A as many as are translated in a minute or two
    rows_per_partition: int | None = Field(default=None, ge=1)


class MatchById(TomlModel):
    """Pair the stars that have the same value in a column of both files, e.g. the Gaia source_id.

    A star without one is paired with the nearest on the sky.
    """

    by: Literal["id"]  # how they are matched
    column: str  # in A
    column_b: str | None = None  # in B, if called otherwise
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)  # of stars without an id


class MatchByPosition(TomlModel):
    """Pair mutual nearest neighbours on the sky."""

    by: Literal["position"]  # how they are matched
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)  # arcsec


class IdList(TomlModel):
    """`[[merge.exclude]]`: stars that are not merged, e.g. listed members of clusters or streams (sect. 4)."""

    file: InnerPath  # relative to --data-dir
    column: str  # of the stars' ids
    survey: Literal["a", "b"]  # whose ids they are


class StarList(IdList):
    """`[[pair.exclude]]`: stars that must not teach, e.g. the binaries of Price-Whelan et al. 2020 (sect. 3.2)."""

    family: Literal["intrinsic", "extrinsic"] = "extrinsic"


class PairConfig(TomlModel):
    """`[pair]`."""

    match: Annotated[MatchById | MatchByPosition, Field(discriminator="by")]
    max_ebv: Positive | Literal["none"] = 0.3  # mag; Thomas et al. 2024, sect. 3.2
    # a star with a second candidate within the radius teaches nothing: it may be the wrong one, or a blend
    unambiguous: bool = True
    exclude: tuple[StarList, ...] = ()


class LabelConfig(TomlModel):
    """`[[train.intrinsic]]` or `[[train.extrinsic]]`: a label of B and its counterpart in A."""

    label: str  # of B
    source: str | None = Field(default=None, alias="from")  # its counterpart in A; none: predicted without a shortcut


class TrainConfig(TomlModel):
    """`[train]`. Defaults: Thomas et al. 2024, except where the comment says otherwise."""

    intrinsic: tuple[LabelConfig, ...] = Field(min_length=1)
    extrinsic: tuple[LabelConfig, ...] = ()  # labels that a second network predicts, as the velocity
    features: tuple[str, ...] = ()  # further inputs beside the counterparts, e.g. the colours
    preset: Literal["compact", "paper"] = "compact"  # as accurate as the published network at 1/16 of its cost
    first_width: int | None = Field(default=None, ge=1)  # this and the next three: instead of the preset's
    depth: int | None = Field(default=None, ge=0)  # doublings of the width, and as many halvings
    dropout: float | None = Field(default=None, ge=0, lt=1)  # share of the activations left out in training
    dropout_widths: tuple[int, int] | None = None  # units from the first to the second width drop out
    target: Literal["residual", "zscore"] = "residual"  # untrained = identity; "zscore" as the authors' code
    n_members: int = Field(default=5, ge=1)  # networks of a family, each with a split and a start of its own
    test_fraction: float = Field(default=0.2, gt=0, lt=1)  # of the stars, never seen in training
    validation_fraction: float = Field(default=0.2, gt=0, lt=1)  # of the others, reshuffled for each member
    batch_size: int = Field(default=128, ge=1)  # small batches reach lower losses than the authors' 4096
    learning_rates: tuple[Rate, ...] = Field(default=(1e-3, 1e-4, 1e-5), min_length=1)
    max_epochs: int = Field(default=1000, ge=1)  # for each learning rate
    patience: int = Field(default=20, ge=1)  # epochs without a lower validation loss
    min_pairs: int = Field(default=200, ge=10)  # fewer teach a network nothing that holds for unseen stars
    clip_sigma: Positive | Literal["none"] = 5.0  # on B - A of the extrinsic labels, sect. 3.2
    # a missing input is drawn from its distribution given the others, or is the training mean as in sect. 3.5
    missing: Literal["draw", "mean"] = "draw"
    fallback: Literal["none", "best"] = "none"  # best: a simpler method stands in where it beats the networks
    debias: bool = False  # add {LABEL}_PRED_DEBIASED, from networks trained on noise-free inputs

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if not self.inputs("intrinsic"):
            raise ValueError("the networks have no input: give a label its `from`, or add `features`")
        schema.unique_names([c.label for c in (*self.intrinsic, *self.extrinsic)], "the labels of [train]")
        return self

    def labels(self, family: str) -> tuple[LabelConfig, ...]:
        """Return the labels of one network family."""
        return self.intrinsic if family == "intrinsic" else self.extrinsic

    def inputs(self, family: str) -> tuple[str, ...]:
        """Return the columns of A that a family's network reads, each once, in order."""
        families = ("intrinsic",) if family == "intrinsic" else schema.FAMILIES
        own = [c.source for f in families for c in self.labels(f) if c.source]
        intrinsic = [name for name in own if name not in {c.source for c in self.extrinsic}]
        extrinsic = [name for name in own if name not in intrinsic]
        return tuple(dict.fromkeys([*intrinsic, *self.features, *extrinsic]))


class DomainConfig(TomlModel):
    """`[domain]`: where a translation is valid. Thomas et al. 2024, sect. 2.2."""

    n_bins: int = Field(default=30, ge=2)  # of each of two inputs, or labels
    min_stars: int = Field(default=1, ge=1)  # in a bin that counts as known; the paper leaves its N_thres open


class EvaluateConfig(TomlModel):
    """`[evaluate]`."""

    n_bootstraps: int = Field(default=1000, ge=10)  # of the test stars, for the errors of their scatter
    importance_stars: int = Field(default=100, ge=1)  # explained, and as many in the background; sect. 3.3.2


class TranslateConfig(TomlModel):
    """`[translate]`. Thomas et al. 2024, sect. 3.5."""

    n_draws: int | None = Field(default=None, ge=2)  # none: those of the preset of [train]
    sampler: Literal["sobol", "random"] = "sobol"  # sobol: fewer draws give the same percentiles
    include_nominal: bool = False  # the first draw is the measurement itself, as in the authors' code
    engine: Literal["auto", "cpu", "gpu"] = "auto"  # auto: a GPU where the worker sees one
    tf32: bool = False  # let a GPU round products to 10 bits: faster, and off by a thousandth of a correction


class AlsoConfig(TomlModel):
    """`[[merge.also]]`: a further survey, translated to the scale of the same B by a run of its own."""

    run: InnerPath  # folder of that finished run, relative to the working directory as `output` is


class MergeConfig(TomlModel):
    """`[merge]`. Thomas et al. 2024, sect. 4."""

    globular_clusters: InnerPath | None = None  # table with ra, dec, distance, rhalf_arcmin; relative to --data-dir
    half_light_radii: float = Field(default=5.0, gt=0)  # around a cluster that stars are left out
    cluster_depth_kpc: float = Field(default=0.5, gt=0)  # before and behind it
    exclude: tuple[IdList, ...] = ()
    also: tuple[AlsoConfig, ...] = ()  # of a star in several of the surveys, the first has the say
    radius_arcsec: float = Field(default=1.0, gt=0, le=60)  # within it, stars without Gaia ids are one


class AtlasConfig(TomlModel):
    """`[atlas]`. Thomas et al. 2024, sect. 4."""

    labels: tuple[str, ...] = ()  # mapped labels; empty: the metallicity and the abundance ratios of B
    select: dict[str, Range] = Field(default={"LOGG": (1.5, 2.5)})  # giants, where B has LOGG
    alpha: Literal["all", "low", "high"] = "all"  # only the stars on one side of `alpha_line`
    # [alpha/Fe] = first + second [Fe/H]: between the two sequences, as in Thomas et al. 2024, Fig. 14
    alpha_line: tuple[float, float] = (0.10, -0.16)
    bin_kpc: float = Field(default=0.2, gt=0)  # of the maps
    max_radius_kpc: float = Field(default=20.0, gt=0)  # of maps and profiles
    max_height_kpc: float = Field(default=10.0, gt=0)  # of maps and profiles
    face_on_height_kpc: float = Field(default=1.0, gt=0)  # of the stars of the face-on map, on both sides
    sky_order: int = Field(default=4, ge=0, le=10)  # of the HEALPix map: pixels of 3.7 degrees
    min_stars_pixel: int = Field(default=1, ge=1)  # fewer are not shown
    radial_bin_kpc: float = Field(default=0.5, gt=0)  # of radial profiles
    vertical_bin_kpc: float = Field(default=0.2, gt=0)  # of vertical profiles
    overlap: float = Field(default=0.5, ge=0, lt=1)  # share of a bin of a profile that is in the next one too
    height_edges_kpc: Edges = (
        0.0,
        0.25,
        0.5,
        1.0,
        2.0,
        4.0,
    )  # slices of radial profiles; the paper leaves the last edge open
    ring_edges_kpc: Edges = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)  # of vertical profiles, and of cells
    azimuth_edges_deg: Edges = (
        -60.0,
        -30.0,
        -10.0,
        10.0,
        30.0,
        60.0,
    )  # of gradients by azimuth, from the line to the Sun
    min_stars_profile: int = Field(default=20, ge=1)  # in a bin of a profile
    min_stars_cell: int = Field(default=5, ge=1)  # of each side, where north and south, or two surveys, are compared
    n_bootstraps: int = Field(default=1000, ge=10)  # of the stars of a bin
    # maps and profiles of every network and of noisy stars beside: several times slower
    translation_errors: bool = True
    n_noisy: int = Field(default=8, ge=2)  # realisations of all stars within their errors


class RunConfig(TomlModel):
    """A whole run.toml."""

    seed: int = Field(default=7, ge=0, lt=2**32)  # of everything drawn at random
    output: InnerPath  # folder of the run, relative to the working directory; --output replaces it
    surveys: SurveysConfig
    pair: PairConfig
    train: TrainConfig
    ingest: IngestConfig = IngestConfig()
    domain: DomainConfig = DomainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    translate: TranslateConfig = TranslateConfig()
    merge: MergeConfig = MergeConfig()
    atlas: AtlasConfig = AtlasConfig()
    cluster: ClusterConfig = ClusterConfig()


class Run(TomlModel):
    """A run ready to go: its config, the folders it reads and writes, and its survey definitions."""

    config: RunConfig
    data_dir: Path
    output: Path
    definition_a: SurveyDefinition
    definition_b: SurveyDefinition

    def survey_file(self, side: str) -> Path:
        """Return the path of the survey file of side "a" or "b"."""
        return self.data_dir / (self.config.surveys.a if side == "a" else self.config.surveys.b).file

    def definition(self, side: str) -> SurveyDefinition:
        """Return the survey definition of side "a" or "b"."""
        return self.definition_a if side == "a" else self.definition_b

    @property
    def merged_titles(self) -> tuple[str, str]:
        """What the translated surveys of the merged catalogue, and B, are called in figures."""
        further = len(self.config.merge.also)
        more = f" and {further} further survey{'s' if further > 1 else ''}" if further else ""
        return self.definition_a.title + more, self.definition_b.title


def load_run(path: Path, data_dir: Path | None = None, output: Path | None = None) -> Run:
    """Read run.toml and the survey definitions it names, and check them against each other.

    Parameters
    ----------
    path
        The run file.
    data_dir
        Where its survey files lie; the run file's own folder if None.
    output
        Replaces `output` of the run file, which is relative to the working directory.

    Raises
    ------
    ConfigError, SurveyError
        If a key is unknown, a value impossible, or a label not defined by its survey.
    """
    config = validate(RunConfig, load_toml(path, ConfigError), f"Run file {path}", ConfigError)
    definition_a = _definition(config.surveys.a, path.parent)
    definition_b = _definition(config.surveys.b, path.parent)
    if definition_a.name == definition_b.name:
        raise ConfigError(f"Run file {path}: A and B are both {definition_a.name!r}. Name two surveys.")
    _check_labels(config, definition_a, definition_b, path)
    for key in ("prologue", "directives"):
        if getattr(config.cluster, key):
            raise ConfigError(
                f"Run file {path}: [cluster] {key} can run programs, and a run file may come from anywhere. "
                "Put [cluster] into a profile of your own and name it with --cluster."
            )
    if "select" not in config.atlas.model_fields_set and "LOGG" not in definition_b.labels:
        atlas = config.atlas.model_copy(update={"select": {}})  # giants cannot be told from dwarfs: map all stars
        config = config.model_copy(update={"atlas": atlas})
    return Run(
        config=config,
        data_dir=(data_dir or path.parent).resolve(),  # workers may start in another folder
        output=(output or config.output).resolve(),
        definition_a=definition_a,
        definition_b=definition_b,
    )


def _definition(survey: SurveyConfig, base: Path) -> SurveyDefinition:
    definition = load_definition(survey.definition, base)
    return definition.model_copy(update={"ebv_map": survey.ebv_map}) if survey.ebv_map else definition


def _check_labels(config: RunConfig, a: SurveyDefinition, b: SurveyDefinition, path: Path) -> None:
    for label in config.atlas.labels:
        if label not in b.labels:
            raise ConfigError(
                f"Run file {path}: [atlas] labels: {label!r} is not measured by {b.name} (B), "
                f"which has {', '.join(b.labels)}."
            )
    colours = tuple(schema.COLOURS) if a.photometry else ()
    for family in schema.FAMILIES:
        for item in config.train.labels(family):
            if item.label not in b.labels:
                raise ConfigError(
                    f"Run file {path}: [[train.{family}]] label {item.label!r} is not measured by "
                    f"{b.name} (B), which has {', '.join(b.labels)}."
                )
            if item.source in a.labels:
                units = [schema.quantity(n, d.labels[n].unit).unit for n, d in ((item.source, a), (item.label, b))]
                if units[0] != units[1]:
                    raise ConfigError(
                        f"Run file {path}: [[train.{family}]] label {item.label!r} is in {units[1] or 'no unit'}, but "
                        f"from = {item.source!r} in {units[0] or 'no unit'}. Name its counterpart, or leave `from` out."
                    )
        for name in config.train.inputs(family):
            if name not in (*a.labels, *colours):
                raise ConfigError(
                    f"Run file {path}: [train] input {name!r} is not measured by {a.name} (A), "
                    f"which has {', '.join((*a.labels, *colours))}."
                )

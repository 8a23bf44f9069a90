"""The tables of the run file on all stages but training and the atlas."""

from typing import Annotated, Literal

from pydantic import Field

from stdask.config.toml import InnerPath, TomlModel
from stdask.config.training import Positive


class SurveyConfig(TomlModel):
    """A survey: its definition and its file."""

    definition: str
    """A definition that comes with stdask, by its name (`stdask survey list`), or the path of your own, ending in
    `.toml` and relative to the run file."""
    file: InnerPath
    """File or folder of the survey, relative to `--data-dir`."""
    ebv_map: InnerPath | None = None
    """HEALPix FITS map of the reddening E(B-V), relative to `--data-dir`. Used instead of the reddening of the survey
    file."""


class SurveysConfig(TomlModel):
    """The two surveys. A is translated to the scale of B."""

    a: SurveyConfig
    """Survey A, which is translated."""
    b: SurveyConfig
    """Survey B, whose scale A is put on."""


class IngestConfig(TomlModel):
    """How the survey files are read and cut into partitions. The defaults suit almost every run."""

    rows_per_block: int = Field(default=250_000, ge=1)
    """Number of rows of the survey file that a worker reads at once. Lower it if workers run out of memory."""
    rows_per_partition: int = Field(default=50_000, ge=1)
    """Largest number of rows in a partition of the catalogue. Stars in the same HEALPix pixel of order 18 are never
    separated."""


class MatchById(TomlModel):
    """Match by id: two stars are a pair if they have the same value in a column of both catalogues.

    Stars without an id are matched by position. Example: `match = { by = "id", column = "SOURCE_ID" }`.
    """

    by: Literal["id"]
    """Match by id."""
    column: str
    """Column of the ids in the catalogue of A, e.g. `SOURCE_ID` for the Gaia source_id."""
    column_b: str | None = None
    """Column of the ids in the catalogue of B. Default: the same name as in A."""
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)
    """Largest separation of a pair in which a star has no id, in arcseconds."""


class MatchByPosition(TomlModel):
    """Match by position: two stars are a pair if each is the nearest to the other on the sky.

    Example: `match = { by = "position", radius_arcsec = 2.0 }`.
    """

    by: Literal["position"]
    """Match by position."""
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)
    """Largest separation of a pair, in arcseconds."""


class IdList(TomlModel):
    """A list of stars to leave out of the merged catalogue, e.g. members of clusters or streams.

    Source: Thomas et al. 2024, sect. 4. Write this table once for each list.
    """

    file: InnerPath
    """Table of the stars, in any format that stdask reads, relative to `--data-dir`."""
    column: str
    """Column of their ids in that table."""
    survey: Literal["a", "b"]
    """Survey whose ids these are."""


class StarList(IdList):
    """A list of stars not to use for training, e.g. the binaries of Price-Whelan et al. 2020.

    Source: Thomas et al. 2024, sect. 3.2. Write this table once for each list.
    """

    family: Literal["intrinsic", "extrinsic"] = "extrinsic"
    """Family of networks that is not trained on these stars. The default suits binaries, whose velocities vary."""


class PairConfig(TomlModel):
    """Which stars of A and B are the same, and which of these pairs are used for training.

    [How stars are matched](pairing.md).
    """

    match: Annotated[MatchById | MatchByPosition, Field(discriminator="by")]
    """How the stars of A and B are matched: by id or by position."""
    max_ebv: Positive | Literal["none"] = 0.3
    """Largest reddening E(B-V) of training stars, in magnitudes. Source: Thomas et al. 2024, sect. 3.2. No limit if A
    has no reddening."""
    unambiguous: bool = True
    """Do not use a pair for training if one of its stars has a second candidate within the radius: the match may be
    wrong, or the spectrum a blend of two stars."""
    exclude: tuple[StarList, ...] = ()
    """Lists of stars not to use for training."""


class DomainConfig(TomlModel):
    """Where a translation can be trusted: the region that the training stars fill.

    Each pair of inputs, and each pair of labels, spans a plane, which is divided into `n_bins` x `n_bins` bins. Bins
    with training stars form the domain. If a star lies outside the domain in any of these planes, its QFLAG_INPUT or
    QFLAG_OUTPUT is false. Source: Thomas et al. 2024, sect. 2.2.
    """

    n_bins: int = Field(default=30, ge=2)
    """Number of bins along each axis. Use fewer, e.g. 10, if there are less than a few thousand training stars."""
    min_stars: int = Field(default=1, ge=1)
    """Smallest number of training stars in a bin that belongs to the domain. The paper does not state its value."""


class EvaluateConfig(TomlModel):
    """How the accuracy of the translation is measured, on test stars that were never used for training."""

    n_bootstraps: int = Field(default=1000, ge=10)
    """Number of times the test stars are resampled to find the errors of their scatter."""
    importance_stars: int = Field(default=100, ge=1)
    """Number of test stars for which the importance of each input is computed (Shapley values). As many training stars
    serve as the background, so the computing time grows with the square. Source: Thomas et al. 2024, sect. 3.3.2."""


class TranslateConfig(TomlModel):
    """How the stars of A are translated: each many times, with inputs drawn at random within their errors.

    Source: Thomas et al. 2024, sect. 3.5.
    """

    n_draws: int | None = Field(default=None, ge=2)
    """Number of random draws for each star. Default: 56 with the preset `compact`, 100 with `paper`."""
    sampler: Literal["sobol", "random"] = "sobol"
    """How the draws are made. `sobol`: evenly spread numbers, of which 56 are as accurate as 100 independent random
    numbers. `random`: independent random numbers, as published."""
    include_nominal: bool = False
    """Use the measurement itself as the first draw, as in the code of the authors."""
    engine: Literal["auto", "cpu", "gpu"] = "auto"
    """Processor that runs the networks. `auto`: a GPU if the worker has one, else the CPU."""
    tf32: bool = False
    """Let a GPU compute with 10-bit precision. Faster, but each correction is off by about a thousandth of itself."""


class AlsoConfig(TomlModel):
    """A further survey in the merged catalogue. Another run has translated it to the scale of the same B.

    Write this table once for each survey.
    """

    run: InnerPath
    """Folder of that run, which must be finished. Relative to the working directory, as `output` is."""


class MergeConfig(TomlModel):
    """The merged catalogue: stars of B, and translated stars of A that are not in B.

    Only GOOD stars are merged, and only translated stars without missing inputs and inside the domain. A star in
    several translated surveys is taken from the first: A, then those of `[[merge.also]]` in their order.
    Source: Thomas et al. 2024, sect. 4.
    """

    globular_clusters: InnerPath | None = None
    """Table of globular clusters whose stars are left out, relative to `--data-dir`. Its columns are `ra` and `dec`
    (degrees), `distance` (kpc) and `rhalf_arcmin` (half-light radius). Default: no star is left out."""
    half_light_radii: float = Field(default=5.0, gt=0)
    """A star is left out if it lies within this number of half-light radii of the centre of a cluster on the sky, and
    within `cluster_depth_kpc` of it in distance."""
    cluster_depth_kpc: float = Field(default=0.5, gt=0)
    """Largest difference in distance between a cluster and a star that is left out, in kpc."""
    exclude: tuple[IdList, ...] = ()
    """Lists of stars to leave out."""
    also: tuple[AlsoConfig, ...] = ()
    """Further translated surveys to merge."""
    radius_arcsec: float = Field(default=1.0, gt=0, le=60)
    """Stars of two translated surveys are the same if they have the same Gaia source_id or, if one has none, lie within
    this separation, in arcseconds."""

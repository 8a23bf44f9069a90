"""The tables of the run file on all stages but training and the atlas."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stdask.config.survey_files import MAIN, StatedFile, TableFile, TableName
from stdask.config.toml import InnerPath, TomlModel
from stdask.config.training import Positive


class SurveyConfig(TomlModel):
    """A survey: its definition and its files."""

    definition: str
    """A definition that comes with stdask, by its name (`stdask survey list`), or the path of your own, ending in
    `.toml` and relative to the run file."""
    file: StatedFile | None = None
    """File or folder of the survey, relative to `--data-dir`. If its format differs from that of the definition:
    `file = { path = "stars.csv", delimiter = ";" }`, with the keys of `[file]` of the definition."""
    files: dict[TableName, StatedFile] = Field(default_factory=dict)
    """Files of a survey of several tables, instead of `file`: the main table is called `main`, the others as the
    definition calls them in `[[join]]`, e.g. `files = { main = "stars.fits", gaia = "gaia.fits" }`."""
    ebv_map: InnerPath | None = None
    """HEALPix FITS map of the reddening E(B-V), relative to `--data-dir`. Used instead of the reddening of the survey
    file."""

    @model_validator(mode="after")
    def _names_a_file(self) -> Self:
        if (self.file is None) == (not self.files):
            raise ValueError(
                'give the file of the survey: `file`, or `files = { main = "...", ... }` for several tables'
            )
        if self.files and MAIN not in self.files:
            raise ValueError("`files` names no table `main`. Add it: it has the ids and positions of the stars")
        return self

    @property
    def tables(self) -> dict[str, TableFile]:
        """The files of the tables, the main one first."""
        if self.file:
            return {MAIN: self.file}
        return {MAIN: self.files[MAIN], **self.files}


class IngestConfig(TomlModel):
    """How the survey files are read and cut into partitions. The defaults suit almost every run."""

    rows_per_block: int = Field(default=250_000, ge=1)
    """Number of rows of the survey file that a worker reads at once. Lower it if workers run out of memory."""
    rows_per_partition: int = Field(default=50_000, ge=1)
    """Largest number of rows in a partition of the catalogue. Stars in the same HEALPix pixel of order 18 are never
    separated."""


class MatchById(TomlModel):
    """Match by id: two stars are a pair if they have the same value in a column of both catalogues.

    They may lie at any distance on the sky. Two stars of which one has no id, or both, are matched by position. Columns
    have the names of the catalogues that stdask writes: `SOURCE_ID` is the Gaia source_id (`gaia_id` of the
    definition), and the columns of `id` and `keep` have the names of the survey file. Example: `match = { by = "id",
    column = "SOURCE_ID" }`.
    """

    by: Literal["id"]
    """Match by id."""
    column: str
    """Column of the ids in the catalogue of A: `SOURCE_ID`, or a column that the definition names in `id` or `keep`."""
    column_b: str | None = None
    """Column of the ids in the catalogue of B. Default: the same name as in A."""
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)
    """Largest separation of a pair that is matched by position because a star has no id, in arcseconds."""


class MatchByPosition(TomlModel):
    """Match by position: two stars are a pair if each is the nearest to the other on the sky.

    Example: `match = { by = "position", radius_arcsec = 2.0 }`.
    """

    by: Literal["position"]
    """Match by position."""
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)
    """Largest separation of a pair, in arcseconds."""


class IdList(TomlModel):
    """A list of stars by their ids."""

    file: InnerPath
    """Table of the stars, in any format that stdask reads, relative to `--data-dir`."""
    column: str
    """Column of that table with the ids of the stars: those of the column that the definition names as `id`, not of
    `gaia_id`."""


class MemberList(IdList):
    """A list of stars to leave out of the merged catalogue, e.g. members of clusters or streams.

    A star that is in several surveys is left out of all of them, whichever of its ids is in the list. Source: Thomas et
    al. 2024, sect. 4. Write this table once for each list.
    """

    survey: str
    """Survey that the ids belong to: `a` or `b`; in a run file of several surveys `a1`, `a2` and so on, or `b`."""


class StarList(IdList):
    """A list of stars not to use for training, e.g. the binaries of Price-Whelan et al. 2020.

    Source: Thomas et al. 2024, sect. 3.2. Write this table once for each list.
    """

    survey: Literal["a", "b"]
    """Survey that the ids belong to. In a run file of several surveys, `a` is each of them: put the list of one into
    its own table, e.g. `[[surveys.a2.pair.exclude]]`."""
    family: Literal["intrinsic", "extrinsic"] = "extrinsic"
    """Family of networks that is not trained on these stars. The default suits binaries, whose velocities vary."""


class PairConfig(TomlModel):
    """Which stars of A and B are the same, and which of these pairs are used for training.

    [How stars are matched](pairing.md).
    """

    match: Annotated[MatchById | MatchByPosition, Field(discriminator="by")]
    """How the stars of A and B are matched: by id or by position."""
    max_ebv: Positive | Literal["none"] = 0.3
    """Largest reddening E(B-V) of training stars in the catalogue of A, in magnitudes, in the column EBV: on the scale
    of Schlegel, Finkbeiner & Davis 1998 as far as the survey definition follows it. Source: Thomas et al. 2024,
    sect. 3.2. A star with unknown reddening is not used for training. No limit if A has no reddening at all."""
    unambiguous: bool = True
    """Do not use a pair for training if it was matched by position and one of its stars has a second candidate within
    `radius_arcsec`: the match may be wrong, or the spectrum a blend of two stars."""
    exclude: tuple[StarList, ...] = ()
    """Lists of stars not to use for training."""


class DomainConfig(TomlModel):
    """Where a translation can be trusted: the region that the training stars fill.

    Two inputs span a plane, and so do two labels. Each of these planes is divided into `n_bins` x `n_bins` bins, from
    the smallest to the largest value of the training stars. Bins with training stars form the domain. If a star lies
    outside the domain in a plane of inputs, its QFLAG_INPUT is false; in a plane of labels, its QFLAG_OUTPUT. Source:
    Thomas et al. 2024, sect. 2.2. These keys do not change QFLAG_DOMAIN, which tells how far a star is from the
    training stars in all inputs at once.
    """

    n_bins: int | None = Field(default=None, ge=2)
    """Number of bins along each axis. The paper has 30, for 10,931 stars. Default: the largest number up to 30 with
    which 95 % of the training stars lie inside the domain of the others, each held out in turn; at least 5. It is
    chosen for the inputs and for the labels of each family, and is in the report and in the model card."""
    min_stars: int = Field(default=1, ge=1)
    """Smallest number of training stars in a bin that belongs to the domain. The paper does not state its value."""


class KnownStars(TomlModel):
    """A table of stars of which something is known from elsewhere, and how they are found in the surveys.

    A star of the table and one of a survey are the same if they have the same id. Where one of the two has no id, they
    are if each is the nearest to the other on the sky, within `radius_arcsec`. Stars that `pair` has matched are the
    same too: of a star that is found in A, its partner is found in B.
    """

    file: InnerPath
    """Table of the stars, in any format that stdask reads, relative to `--data-dir`. A missing value is null or NaN."""
    id_a: str | None = None
    """Column of that table with the ids of the stars in A: those of the column that the definition names as `id`. Not
    for a table that serves several translated surveys."""
    id_b: str | None = None
    """Column of that table with the ids of the stars in B."""
    source_id: str | None = None
    """Column of that table with Gaia source_ids. Used for surveys whose definition has `gaia_id`. Ids of Gaia's data
    releases differ: take those that the survey has."""
    ra: str = "ra"
    """Column of that table with the right ascension, in degrees."""
    dec: str = "dec"
    """Column of that table with the declination, in degrees. Positions are compared as they are: give ids of stars
    that move by more than `radius_arcsec` between the epochs."""
    radius_arcsec: float = Field(default=2.0, gt=0, le=60)
    """Largest separation of stars that are found by their positions, in arcseconds."""


class ClusterMembers(KnownStars):
    """Members of star clusters, whose stars share their abundances.

    The means of the members, their standard deviations and their trends with temperature and gravity are compared: A
    as measured, A translated, and B. Members are stars that pass the cuts of their survey; of A, only those with all
    inputs and in the domain of the training stars. Source: Thomas et al. 2024, sect. 3.6. Example: `clusters = { file =
    "occam_members.parquet" }`.
    """

    cluster: str = "cluster"
    """Column with the name of the cluster."""
    probabilities: tuple[str, ...] = ()
    """Columns of membership probabilities. A star is a member if all are above `min_probability`. Default: those of
    OCCAM (RV_PROB, FEH_PROB and PM_PROB) that the table has; a table without them lists members alone."""
    min_probability: float = Field(default=0.01, ge=0, lt=1)
    """Limit of the probabilities. The default is that of OCCAM (Myers et al. 2022, AJ 164, 85)."""
    literature: dict[str, str] = Field(default_factory=dict)
    """Columns of the table with the published abundances of the clusters, by label of B, in its unit, e.g.
    `{ FE_H = "feh_lit" }`. Of a cluster, the median over its rows is taken."""


class BenchmarkStars(KnownStars):
    """Stars whose parameters are known better than from either survey, e.g. the Gaia FGK benchmark stars.

    A as measured, A translated, and B are compared with the table. Stars of A are those with all inputs, in the domain
    of the training stars, that pass the cuts. Example: `benchmark = { file = "benchmark.csv", source_id = "gaia_dr3",
    labels = { TEFF = "Teff", FE_H = "[Fe/H]" } }`.
    """

    labels: dict[str, str] = Field(min_length=1)
    """Columns of the table with the reference values, by label of B, in its unit."""
    errors: dict[str, str] = Field(default_factory=dict)
    """Columns of the table with the 1-sigma errors of these values, by label of B."""
    name: str | None = None
    """Column of the table with the names of the stars. Default: their ids in A or B."""


class EvaluateConfig(TomlModel):
    """How the accuracy of the translation is measured, on test stars that were never used for training."""

    n_bootstraps: int = Field(default=1000, ge=10)
    """Number of bootstrap samples of the test stars, for the errors of the accuracy: of bias, scatter, mean absolute
    error, slopes and importances."""
    importance_stars: int = Field(default=100, ge=1)
    """Number of test stars for which the importance of each input is computed (Shapley values). As many training stars
    serve as the background, so the computing time grows with the square. Source: Thomas et al. 2024, sect. 3.3.2."""
    clusters: ClusterMembers | None = None
    """Members of star clusters, whose abundances are compared. Default: none."""
    benchmark: BenchmarkStars | None = None
    """Benchmark stars, whose labels are compared with their reference values. Default: none."""


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
    """Let a GPU compute with 10-bit precision. Faster, but each predicted difference B - A is off by about a thousandth
    of itself."""


DRAWN = ("n_draws", "sampler", "include_nominal")  # keys of `[translate]` that a trained ensemble has, too


MEAN = "mean"  # of `[merge] values`


class AlsoConfig(TomlModel):
    """A further survey in the merged catalogue. Another run has translated it to the scale of the same B.

    Write this table once for each survey.
    """

    run: InnerPath
    """Folder of that run, which must be finished. Relative to the working directory, as `output` is."""


class MergeConfig(TomlModel):
    """The merged catalogue: stars of B, and translated stars of A that are not in B.

    Only GOOD stars are merged. A translated star must also have FLAG_MISSING_INPUTS_INTRINSIC false and
    QFLAG_INPUT_INTRINSIC and QFLAG_OUTPUT_INTRINSIC true, and QFLAG_DOMAIN_INTRINSIC with `qflag_domain = true`. If it
    fails the same test of the EXTRINSIC flags, its extrinsic labels are missing. A star that is in B and GOOD there has
    the values of B. A star in several translated surveys is taken from the first: A, or `a1`, `a2` and so on, then
    those of `[[merge.also]]` in their order. Source: Thomas et al. 2024, sect. 4.
    """

    qflag_domain: bool = False
    """Merge only translated stars with QFLAG_DOMAIN_INTRINSIC true: those like the training stars in all inputs at
    once. With `true`, extrinsic labels are missing where QFLAG_DOMAIN_EXTRINSIC is false."""
    max_ebv: Positive | None = None
    """Largest reddening E(B-V) of translated stars, in magnitudes, in the column EBV: on the scale of Schlegel,
    Finkbeiner & Davis 1998 as far as the survey definition follows it. A translated star with unknown reddening is then
    left out; stars of B are not tested. Default: no limit."""
    globular_clusters: InnerPath | None = None
    """Table of globular clusters whose stars are left out, relative to `--data-dir`. Its columns are `ra` and `dec`
    (degrees), `distance` (kpc) and `rhalf_arcmin` (half-light radius). Default: no star is left out."""
    half_light_radii: float = Field(default=5.0, gt=0)
    """A star is left out if it lies within this number of half-light radii of the centre of a cluster on the sky, and
    within `cluster_depth_kpc` of it in distance."""
    cluster_depth_kpc: float = Field(default=0.5, gt=0)
    """Largest difference in distance between a cluster and a star that is left out, in kpc."""
    exclude: tuple[MemberList, ...] = ()
    """Lists of stars to leave out."""
    also: tuple[AlsoConfig, ...] = ()
    """Further translated surveys to merge."""
    values: Literal["first", "mean"] = "first"
    """Values of a star that several surveys have. `first`: those of B, or else of the first translated survey that can
    be used. `mean`: for each label the inverse-variance mean of B's value, with its own error, and of all translations
    that can be used. Errors of all stars are then about the value that B would
    measure without noise; they contain what the stage `closure` finds lacking in the errors of each survey, and how the
    errors of translations are correlated. Which rows there are does not change."""
    radius_arcsec: float = Field(default=1.0, gt=0, le=60)
    """Stars of two translated surveys are the same if they have the same Gaia source_id or, if one has none, lie within
    this separation, in arcseconds. So are stars of A and B in a run that names a trained ensemble and has no pairs, and
    rows of one survey whose definition has no `[duplicates]`: of these the first row that can be used is kept."""

"""What `stdask atlas` maps: the table `[atlas]`, and the atlas file that describes a user's own table."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stdask.config.addresses import Place, is_address
from stdask.config.checks.names import collision_of_maps, collision_of_table
from stdask.config.cluster import ClusterConfig
from stdask.config.toml import InnerPath, TomlModel, load_toml, validate
from stdask.errors import ConfigError

METALLICITIES, ABUNDANCES = ("FE_H", "M_H"), ("MG_FE", "ALPHA_FE")  # of which one each tells the two sequences apart


def _ascending(numbers: tuple[float, ...]) -> tuple[float, ...]:
    if any(low >= high for low, high in pairwise(numbers)):
        raise ValueError("the numbers must ascend, e.g. [1.5, 2.5]")
    return numbers


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
Edges = Annotated[tuple[float, ...], Field(min_length=2), AfterValidator(_ascending)]


class AtlasConfig(TomlModel):
    """Maps, profiles and gradients of the Milky Way. Source of the defaults: Thomas et al. 2024, sect. 4.

    R is the cylindrical galactocentric radius, Z the height above the midplane. The results are
    [explained here](atlas.md).
    """

    labels: tuple[str, ...] = ()
    """What to map. Default: the metallicity and the abundance ratios that B measures. Any label of B can be mapped,
    also one that A is not translated to, such as ages, and any number of the merged catalogue, such as `VPHI_GC`; in
    the atlas of a table any quantity of `[table] columns`."""
    select: dict[str, Range] = Field(default={"LOGG": (1.5, 2.5)})
    """Stars to use: the lowest and the highest value of one label or several. Default: giants by their log g, if B
    measures it. `select = {}` uses all stars."""
    weight: str | None = None
    """Number that a star counts by, e.g. one over its probability to be observed: a column of the merged catalogue, or
    a quantity of `[table] columns`. Medians, shares and their errors are then weighted. Counts are numbers of stars."""
    alpha: Literal["all", "low", "high"] = "all"
    """`low`: use only stars below `alpha_line` in the plane of metallicity (FE_H or M_H) and [alpha/Fe] (ALPHA_FE or
    MG_FE). `high`: only stars above it."""
    alpha_line: tuple[float, float] = (0.10, -0.16)
    """Line between the low-alpha and the high-alpha sequence: [alpha/Fe] = first number + second number x [Fe/H].
    Default: as in Thomas et al. 2024, Fig. 14."""
    radius: Literal["R", "R_GUIDE"] = "R"
    """Radius of the maps about the Galactic centre, the profiles and the gradients. `R`: where a star is. `R_GUIDE`:
    the radius of the circular orbit with its angular momentum. Stars without a velocity, or that move against the
    rotation, are then left out."""
    bin_kpc: float = Field(default=0.2, gt=0)
    """Size of the pixels of the edge-on and face-on maps, in kpc."""
    max_radius_kpc: float = Field(default=20.0, gt=0)
    """Largest R of maps and profiles, in kpc."""
    max_height_kpc: float = Field(default=10.0, gt=0)
    """Largest |Z| of maps and profiles, in kpc."""
    face_on_height_kpc: float = Field(default=1.0, gt=0)
    """Largest |Z| of stars in the face-on map and in the gradients by azimuth, in kpc."""
    sky_order: int = Field(default=4, ge=0, le=10)
    """HEALPix order of the all-sky map. Order 4 has pixels of 3.7 degrees; each step up halves their size."""
    min_stars_pixel: int = Field(default=3, ge=1)
    """Smallest number of stars of a median in the maps. Pixels with fewer stars have only their number."""
    radial_bin_kpc: float = Field(default=0.5, gt=0)
    """Width of the bins in R of radial profiles, in kpc."""
    vertical_bin_kpc: float = Field(default=0.2, gt=0)
    """Width of the bins in Z of vertical profiles, in kpc."""
    overlap: float = Field(default=0.5, ge=0, lt=1)
    """Share of a bin of a profile that overlaps with the next bin. 0: bins share no stars."""
    height_edges_kpc: Edges = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    """Edges of the slices in |Z|, in kpc. Each slice has a radial profile. In the paper the last slice has no upper
    edge; use `max_height_kpc` as the last edge to get the same."""
    ring_edges_kpc: Edges = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)
    """Edges of the rings in R, in kpc. Each ring has a vertical profile. The north and the south of the midplane, and
    surveys A and B, are also compared in each ring."""
    azimuth_edges_deg: Edges = (-60.0, -30.0, -10.0, 10.0, 30.0, 60.0)
    """Edges of the sectors in azimuth, in degrees. 0 is the direction from the Galactic centre to the Sun; positive
    azimuths are ahead of the Sun in the Galactic rotation. Each sector has a radial gradient."""
    min_stars_profile: int = Field(default=20, ge=1)
    """Smallest number of stars in a bin of a profile. Bins with fewer stars have no median."""
    min_stars_cell: int = Field(default=5, ge=1)
    """Smallest number of stars of each group in a cell, where two groups are compared: north and south, or A and B."""
    n_bootstraps: int = Field(default=1000, ge=10)
    """Number of bootstrap samples for the errors of medians and slopes."""
    translation_errors: bool = True
    """Also compute how much maps, profiles and slopes change from network to network, and how much profiles and slopes
    change when random errors, as large as those of the labels and distances, are added to all stars. Several times
    slower."""
    n_noisy: int = Field(default=8, ge=2)
    """Number of times that random errors are added to the labels and distances of all stars, for
    `translation_errors`."""


class TableConfig(TomlModel):
    """A table of your own, with positions, distances and abundances.

    Columns that are not named here are found by their usual names, e.g. `ra`, `dec`, `distance`, `feh`.
    """

    file: Place
    """The table, in any format that stdask reads, relative to the atlas file: a file, a folder or pattern of files, a
    HATS catalogue, or an address."""
    ra: str | None = None
    """Column of the right ascension, in degrees, ICRS."""
    dec: str | None = None
    """Column of the declination, in degrees, ICRS."""
    distance: str | None = None
    """Column of the heliocentric distance."""
    distance_unit: str = "kpc"
    """Unit of the distance, used if the file states none."""
    columns: dict[str, str] = Field(default={})
    """Columns of the quantities that are mapped, or that stars are selected by, e.g.
    `{ FE_H = "feh", LOGG = "logg" }`."""
    errors: dict[str, str] = Field(default={})
    """Columns of the 1-sigma errors of these quantities and of the distance, e.g.
    `{ FE_H = "e_feh", DISTANCE = "e_dist" }`."""
    untranslated: dict[str, str] = Field(default={})
    """Columns of what the own survey of each star measured, before translation. Maps before and after translation are
    then compared. Needs `survey` and `reference`."""
    survey: str | None = None
    """Column that names the survey of each star. Needs `reference`."""
    reference: str | None = None
    """Name of the survey, in the column `survey`, whose stars are also mapped alone."""

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> Self:
        if (self.survey is None) != (self.reference is None):
            raise ValueError("give `survey` and `reference` together, or none of them")
        if self.untranslated and not self.survey:
            raise ValueError("`untranslated` needs `survey` and `reference`. Add them")
        if text := collision_of_table(self.columns, self.errors, self.untranslated):
            raise ValueError(text)
        return self


class AtlasFile(TomlModel):
    """The atlas file: maps of any table with positions, distances and abundances."""

    output: InnerPath
    """Folder of all results, relative to the working directory. `--output` overrides it."""
    seed: int = Field(default=7, ge=0, lt=2**32)
    """Seed of all random numbers. The same seed gives the same results."""
    table: TableConfig
    """The table to map, and its columns."""
    atlas: AtlasConfig = AtlasConfig()
    """What is mapped, and in which bins."""
    cluster: ClusterConfig = ClusterConfig()
    """Where the workers run."""

    @model_validator(mode="after")
    def _maps_have_each_name_once(self) -> Self:
        if text := collision_of_maps(self.atlas.labels):
            raise ValueError(f"[atlas] labels: {text}")
        return self


def load_atlas(place: Path | str, output: Path | None = None) -> AtlasFile:
    """Read an atlas file, or make the settings for a table without one.

    Parameters
    ----------
    place
        An atlas file if it ends in .toml, else the path or address of the table itself.
    output
        Overrides `output`. Without it, a table has its output in `atlas` in the working directory.

    Raises
    ------
    ConfigError
        If a key is unknown or a value impossible.
    """
    path = Path(place)
    content = {"table": {"file": place if is_address(place) else path.absolute()}, "output": "atlas"}
    if is_toml(place):
        content = load_toml(path, ConfigError)
    atlas = validate(AtlasFile, content, f"Atlas file {path}", ConfigError)
    for key in ("prologue", "directives"):
        if getattr(atlas.cluster, key):
            raise ConfigError(
                f"Atlas file {path}: [cluster] {key} can run programs, and the file may come from anywhere. "
                "Move [cluster] to a cluster profile of your own and name it with --cluster."
            )
    table = atlas.table
    if not is_address(table.file):
        table = table.model_copy(update={"file": (path.parent / table.file).absolute()})
    return atlas.model_copy(update={"table": table, "output": (output or atlas.output).absolute()})


def is_atlas_file(place: Path | str) -> bool:
    """Tell whether `stdask atlas` is given a table or an atlas file, not a run file."""
    return not is_toml(place) or "table" in load_toml(Path(place), ConfigError)


def is_toml(place: Path | str) -> bool:
    """Tell whether a file on this machine is of settings, not a table."""
    return not is_address(place) and Path(place).suffix == ".toml"

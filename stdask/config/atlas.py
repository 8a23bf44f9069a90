"""What `stdask atlas` needs to know of a user's own table: a TOML file, or what the table's columns are called."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from stdask.config.cluster import ClusterConfig
from stdask.config.run import AtlasConfig, InnerPath
from stdask.config.toml import TomlModel, load_toml, validate
from stdask.errors import ConfigError


class TableConfig(TomlModel):
    """`[table]`: a table with positions, distances and abundances. What is left out is looked for by its usual name."""

    file: InnerPath  # relative to the atlas file
    ra: str | None = None  # column, degrees, ICRS
    dec: str | None = None  # column, degrees, ICRS
    distance: str | None = None  # column, heliocentric
    distance_unit: str = "kpc"  # where the file states none
    # quantity -> column of what is mapped or selected by, e.g. FE_H = "feh"
    columns: dict[str, str] = Field(default={})
    errors: dict[str, str] = Field(default={})  # quantity -> column of its 1-sigma errors
    untranslated: dict[str, str] = Field(default={})  # quantity -> column of what the star's own survey measured
    survey: str | None = None  # column that tells whose star it is
    reference: str | None = None  # the survey, of those in that column, whose stars are shown alone

    @model_validator(mode="after")
    def _survey_has_a_reference(self) -> Self:
        if (self.survey is None) != (self.reference is None):
            raise ValueError("`survey` goes with `reference`, and only with it")
        if self.untranslated and not self.survey:
            raise ValueError("`untranslated` needs `survey` and `reference`: whose stars are to be compared?")
        return self


class AtlasFile(TomlModel):
    """A whole atlas file."""

    output: InnerPath  # folder, relative to the working directory; --output replaces it
    seed: int = Field(default=7, ge=0, lt=2**32)  # of the bootstraps
    table: TableConfig
    atlas: AtlasConfig = AtlasConfig()
    cluster: ClusterConfig = ClusterConfig()


def load_atlas(path: Path, output: Path | None = None) -> AtlasFile:
    """Read an atlas file, or make one up for a table.

    Parameters
    ----------
    path
        An atlas file if it ends in .toml, else the table itself.
    output
        Replaces `output`; a table's own is `atlas` beside where you are.

    Raises
    ------
    ConfigError
        If a key is unknown or a value impossible.
    """
    content = {"table": {"file": path.absolute()}, "output": "atlas"}
    if path.suffix == ".toml":
        content = load_toml(path, ConfigError)
    atlas = validate(AtlasFile, content, f"Atlas file {path}", ConfigError)
    for key in ("prologue", "directives"):
        if getattr(atlas.cluster, key):
            raise ConfigError(
                f"Atlas file {path}: [cluster] {key} can run programs, and the file may come from anywhere. "
                "Put [cluster] into a profile of your own and name it with --cluster."
            )
    table = atlas.table.model_copy(update={"file": (path.parent / atlas.table.file).absolute()})
    return atlas.model_copy(update={"table": table, "output": (output or atlas.output).absolute()})


def is_atlas_file(path: Path) -> bool:
    """Tell whether `stdask atlas` is given a table or an atlas file, not a run file."""
    return path.suffix != ".toml" or "table" in load_toml(path, ConfigError)

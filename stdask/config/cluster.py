"""`[cluster]`: where the workers run; in run.toml, or in a profile of the site."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stdask.config.toml import TomlModel, load_toml, validate
from stdask.errors import ConfigError

# these go into job scripts, where two lines, or what a shell makes of blanks and signs, would be commands
Line = Annotated[str, Field(pattern=r"^[^\r\n]+$")]
Word = Annotated[str, Field(pattern=r"^[\w.:@/+,-]+$")]
Folder = Annotated[str, Field(pattern=r"^(\$\w+|\$\{\w+\}|[\w./+,-])+$")]  # may name a variable: $TMPDIR


class ClusterConfig(TomlModel):
    """`[cluster]`: where the workers run."""

    kind: Literal["local", "slurm", "pbs", "lsf", "sge", "htcondor", "address"] = "local"  # how workers start
    workers: int | None = Field(default=None, ge=1)  # none: one for each core, or one batch job
    memory: str = "2GiB"  # of one worker, or of one batch job: its worker may use 90 % of that
    address: str | None = None  # of a running Dask scheduler
    # of a batch job; this and what follows are for batch jobs, of one worker each
    walltime: str = Field(default="04:00:00", pattern=r"^\d+:[0-5]\d:[0-5]\d$")
    queue: Word | None = None  # partition
    account: Word | None = None  # that pays for them
    interface: Word | None = None  # network between this machine and the nodes, e.g. "ib0"
    local_directory: Folder | None = None  # on the node's own disk, e.g. "$TMPDIR"
    # this and the next one can name programs, and are taken from a profile (--cluster) only
    directives: tuple[Line, ...] = ()  # further lines to the scheduler, without their #SBATCH or #PBS
    prologue: tuple[Line, ...] = ()  # shell lines before the worker starts
    tls: bool = True  # encrypt, and let in none but the run's own workers
    max_failures: int = Field(default=10, ge=1)  # submissions and jobs in a row that fail before the run gives up

    @model_validator(mode="after")
    def _address_is_given(self) -> Self:
        if (self.kind == "address") != (self.address is not None):
            raise ValueError('`address` goes with kind = "address", and only with it')
        return self


class ClusterProfile(TomlModel):
    """A file of `[cluster]` alone: the settings of a site, for all its run files."""

    cluster: ClusterConfig


def load_profile(path: Path) -> ClusterConfig:
    """Read a profile, e.g. `deploy/slurm.toml`.

    Raises
    ------
    ConfigError
        If a key is unknown or a value impossible.
    """
    return validate(ClusterProfile, load_toml(path, ConfigError), f"Profile {path}", ConfigError).cluster

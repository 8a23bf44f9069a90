"""`[cluster]`: where the workers run; in run.toml, or in a profile of the site."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from stdask.config.toml import TomlModel, load_toml, validate
from stdask.errors import ConfigError

# These go into job scripts, where a line break or a character with a meaning for the shell would start another command.
Line = Annotated[str, Field(pattern=r"^[^\r\n]+$")]
Word = Annotated[str, Field(pattern=r"^[\w.:@/+,-]+$")]


def _with_home(value: Any) -> Any:
    return re.sub(r"^~(?=/|$)", "$HOME", value) if isinstance(value, str) else value


Folder = Annotated[  # It may name a variable of the node: $TMPDIR.
    str, BeforeValidator(_with_home), Field(pattern=r"^(\$\w+|\$\{\w+\}|[\w./+,-])+$")
]


class ClusterConfig(TomlModel):
    """Where the workers run: on this machine, as jobs of a batch system, or in a Dask cluster that runs already.

    Leave this table out to use all cores of this machine. `--cluster FILE` replaces the whole table by that of a
    cluster profile; ready-made profiles are in [`deploy/`](../deploy).
    """

    kind: Literal["local", "slurm", "pbs", "lsf", "sge", "htcondor", "address"] = "local"
    """How workers are started: `local` as processes on this machine, `address` not at all (a Dask cluster runs
    already), all others as jobs of that batch system."""
    workers: int | None = Field(default=None, ge=1)
    """Number of workers. Each batch job is one worker. Default: one for each core of this machine, or one batch job in
    total."""
    memory: str = "2GiB"
    """Memory of one worker on this machine, or of one batch job. The worker of a job uses at most 90 % of it. `stdask
    bench --plan RUN.toml` tells how much a run needs."""
    address: str | None = None
    """Address of the running Dask scheduler, e.g. `tcp://head:8786`. For `kind = "address"` only."""
    walltime: str = Field(default="04:00:00", pattern=r"^\d+:[0-5]\d:[0-5]\d$")
    """Time limit of a batch job, as hours:minutes:seconds. A job that ends is replaced by a new one, so short jobs are
    fine and often start sooner."""
    queue: Word | None = None
    """Queue or partition that batch jobs are submitted to. Default: that of the site."""
    account: Word | None = None
    """Account that batch jobs are charged to. Default: yours."""
    interface: Word | None = None
    """Network interface between this machine and the compute nodes, e.g. `ib0`. Set it if jobs start but no worker
    connects."""
    local_directory: Folder | None = None
    """Folder for temporary files of a batch job's worker, on the disk of its compute node, e.g. `$TMPDIR`. A job ends
    if its node does not have a variable that is named here."""
    directives: tuple[Line, ...] = ()
    """Further options for the batch system, written without `#SBATCH` or `#PBS`. Allowed in cluster profiles only,
    because they can run programs."""
    prologue: tuple[Line, ...] = ()
    """Shell commands that a batch job runs before its worker starts, e.g. `module load cuda`. Allowed in cluster
    profiles only, because they run programs."""
    tls: bool = True
    """Encrypt the traffic between stdask and its batch jobs, and accept workers of this run only."""
    max_failures: int = Field(default=10, ge=1)
    """Number of submissions or jobs that may fail in a row before the run stops. Jobs that fail before any worker has
    connected stop it after three."""

    @model_validator(mode="after")
    def _address_is_given(self) -> Self:
        if (self.kind == "address") != (self.address is not None):
            raise ValueError('give `address` if kind is "address", and only then')
        return self


class ClusterProfile(TomlModel):
    """A cluster profile: the `[cluster]` table of a site, in a file of its own, for all run files."""

    cluster: ClusterConfig
    """Where the workers run."""


def load_profile(path: Path) -> ClusterConfig:
    """Read a profile, e.g. `deploy/slurm.toml`.

    Raises
    ------
    ConfigError
        If a key is unknown or a value impossible.
    """
    return validate(ClusterProfile, load_toml(path, ConfigError), f"Profile {path}", ConfigError).cluster


def choose_cluster(own: ClusterConfig, workers: int | None, profile: Path | None) -> ClusterConfig:
    """Return where the workers are started: as a profile says if there is one, with another number if one is given."""
    cluster = load_profile(profile) if profile else own
    return cluster if workers is None else cluster.model_copy(update={"workers": workers})

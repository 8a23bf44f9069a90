"""The commands about batch jobs."""

from pathlib import Path
from typing import Annotated

import typer

from stdask.cli.options import Output, Profile, RunFile, load
from stdask.config.cluster import load_profile
from stdask.runs.lock import hold
from stdask.tools import cluster_check

cluster_app = typer.Typer(help="Batch jobs: see what would be submitted, try one, cancel what a dead run left.")


@cluster_app.command("script", epilog="Example: stdask cluster script run.toml --cluster deploy/slurm.toml")
def cluster_script_command(run_file: RunFile, output: Output = None, profile: Profile = None) -> None:
    """Print the job script of a worker, as it would be submitted."""
    run = load(run_file, None, output, None, profile)
    cluster_check.print_script(run.config.cluster, run.output)


@cluster_app.command("check", epilog="Example: stdask cluster check --cluster deploy/slurm.toml --output runs/check")
def cluster_check_command(
    profile: Annotated[Path, typer.Option("--cluster", metavar="PROFILE.toml", help="`[cluster]` of this site.")],
    output: Annotated[Path, typer.Option(help="Folder on the disk where runs will be.")] = Path("stdask-check"),
) -> None:
    """Submit one tiny job; report waiting time, node, versions, disks, threads, GPU, speed, and what is wrong."""
    with hold(output.resolve()):
        cluster_check.check(load_profile(profile), output.resolve())


@cluster_app.command("clean", epilog="Example: stdask cluster clean runs/first")
def cluster_clean_command(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of a run that is dead.")],
) -> None:
    """Cancel the jobs that a dead run left in the queue."""
    cluster_check.stop_left(folder.resolve())

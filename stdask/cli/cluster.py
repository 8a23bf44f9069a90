"""The commands about batch jobs."""

from pathlib import Path
from typing import Annotated

import typer

from stdask.cli.options import Output, Profile, RunFile, examples, load, path
from stdask.config.cluster import load_profile

cluster_app = typer.Typer(help="Show, try and cancel batch jobs.")


@cluster_app.command("script", epilog=examples("cluster script run.toml --cluster deploy/slurm.toml"))
def cluster_script_command(run_file: RunFile, output: Output = None, profile: Profile = None) -> None:
    """Print the job script of a worker, as it would be submitted."""
    from stdask.tools.cluster_check import print_script

    run = load(run_file, output=output, profile=profile)
    print_script(run.config.cluster, run.output)


@cluster_app.command("check", epilog=examples("cluster check --cluster deploy/slurm.toml --output runs/check"))
def cluster_check_command(
    profile: Annotated[
        Path, typer.Option("--cluster", metavar="PROFILE.toml", parser=path, help="Cluster profile of the site.")
    ],
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", parser=path, help="Folder on the disk where runs will be.")
    ] = Path("stdask-check"),
) -> None:
    """Submit one small job and report what is wrong with its node.

    Reports the waiting time, node, versions, disks, threads, GPUs and speed.
    """
    from stdask.runs.lock import hold
    from stdask.tools.cluster_check import check

    with hold(output.resolve()):
        check(load_profile(profile), output.resolve())


@cluster_app.command("clean", epilog=examples("cluster clean runs/first"))
def cluster_clean_command(
    folder: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", parser=path, help="Folder of a run that was killed.")],
) -> None:
    """Cancel the jobs that a killed run left in the queue."""
    from stdask.tools.cluster_check import stop_left

    stop_left(folder.resolve())

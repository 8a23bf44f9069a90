"""The commands on a trained ensemble: pack it as one file, show it, apply it to a table."""

from pathlib import Path
from typing import Annotated

import typer

from stdask.cli.options import AllowRemote, Profile, RunPath, WorkerCount, examples, path, place
from stdask.config.addresses import locate
from stdask.config.cluster import ClusterConfig, choose_cluster

ensembles_app = typer.Typer()
EnsemblePath = Annotated[
    Path,
    typer.Argument(
        metavar="ENSEMBLE", parser=path, help="A packed ensemble, its folder, or that of the run that trained it."
    ),
]


@ensembles_app.command(
    "pack", epilog=examples("pack runs/first mine.stdask", "pack run.toml mine.stdask --license cc-by-4.0")
)
def pack_command(
    run_path: RunPath,
    file: Annotated[Path, typer.Argument(metavar="FILE.stdask", parser=path, help="File to write.")],
    license_name: Annotated[
        str | None,
        typer.Option(
            "--license",
            metavar="SPDX",
            help="Licence that you share it under, e.g. cc-by-4.0. [default: unknown]",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write the trained ensemble of a run as one file, to share it.

    The file holds the networks, the definition of A, the model card and the learning curves: numbers and text, no code.
    """
    from stdask.tools.pack import pack

    pack(run_path, file, overwrite, license_name)


@ensembles_app.command("show", epilog=examples("show galah_to_apogee.stdask", "show runs/first"))
def show_command(
    ensemble: EnsemblePath,
) -> None:
    """Show a trained ensemble: its card, and what a table must have.

    The columns that it reads from a table are listed by their names in the survey that the ensemble was trained on.
    """
    from stdask.tools.show import show

    show(ensemble)


@ensembles_app.command(
    "apply",
    epilog=examples(
        "apply runs/first stars.fits --output translated.fits",
        "apply mine.stdask my.csv --definition my.toml --output my.parquet",
        "apply runs/first large.parquet --output folder --cluster slurm.toml",
    ),
)
def apply_command(
    ensemble: EnsemblePath,
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", parser=place, help="Table of the stars: a file, a folder of files, or a HATS catalogue."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            metavar="OUT", parser=path, help="File to write; or, without ending, the folder of a HATS catalogue."
        ),
    ],
    definition: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.toml",
            help="Survey definition of the table. [default: that of the training stars]",
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", parser=path, help="Folder of the map of E(B-V), if one is used. [default: of the table]"
        ),
    ] = None,
    workers: WorkerCount = None,
    profile: Profile = None,
    allow_remote: AllowRemote = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False,
) -> None:
    """Translate the stars of a table with a trained ensemble.

    The table needs ids, positions and the inputs of the networks. What else it lacks is left out, with a message. A
    star of the training run gets the same numbers, to the last bit. Run the same command again to resume.
    """
    from stdask.tools.apply import apply

    given = workers or profile
    cluster = choose_cluster(ClusterConfig(), workers, profile) if given else None
    own = locate(table, Path(), allow_remote)
    apply.run(ensemble, own, output, definition, data_dir, cluster, overwrite)

"""The worker of a batch job: `python -m stdask.cluster.job_worker` takes the arguments of `dask worker`.

A node has settings of the user and the site too, from login files, modules and `~/.config/dask`. The process that
supervises the worker imports this module, and the worker itself imports it again, both before `distributed`.
"""

from stdask.cluster.configuration import begin
from stdask.environment import take_over

take_over()
begin()


def main() -> None:
    """Run the worker until its job or the run ends."""
    from distributed.cli.dask_worker import main as dask_worker

    dask_worker()


if __name__ == "__main__":
    main()

"""The command line."""

import sys

from stdask.environment import prefer_own_libraries, take_over

prefer_own_libraries()
if "--multiprocessing-fork" in sys.orig_argv:  # A worker process, which imports its driver's program again.
    take_over()
    import stdask.cluster  # noqa: F401 - sets Dask's configuration before Dask reads it

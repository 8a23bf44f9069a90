"""Everything that uses Dask: workers, tasks, batch systems."""

from stdask.cluster.configuration import begin

begin()

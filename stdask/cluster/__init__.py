"""Everything that uses Dask: workers, tasks, batch systems."""

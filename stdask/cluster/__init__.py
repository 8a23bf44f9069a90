"""Dask: workers, tasks, batch systems."""

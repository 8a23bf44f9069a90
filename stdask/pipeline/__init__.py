"""One file per stage, each with one public run: reads, calls, writes. Dask only here."""

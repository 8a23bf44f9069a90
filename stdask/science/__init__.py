"""Arrays in, arrays out: no files, no Dask, no Keras."""

"""Survey files in HDF5."""

"""The Galaxy: frame, bins, maps, profiles, gradients and densities."""

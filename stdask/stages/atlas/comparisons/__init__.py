"""Two sets of stars in the same cells: before and after translation, the seam, north and south."""

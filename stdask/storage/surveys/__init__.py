"""Survey files, one reader a format."""

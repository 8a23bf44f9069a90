"""From the columns of a survey to measurements: units, cuts, duplicates, errors."""

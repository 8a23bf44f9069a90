"""The only place that opens catalogue, ensemble and product files."""

"""The interactive figures of the report: from the maps and profiles in the run folder to figures in the page."""

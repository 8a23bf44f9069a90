"""Stars in planes of two labels: diagrams cell by cell of the Galaxy, and the training stars among all stars."""

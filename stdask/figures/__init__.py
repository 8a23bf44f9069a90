"""Arrays in, Matplotlib figures out."""

"""What goes wrong where workers start or should be found: each fault as one sentence with its cause and remedy."""

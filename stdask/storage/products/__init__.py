"""Files of the atlas."""

"""Maps of the Galaxy and of the sky."""

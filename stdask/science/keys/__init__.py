"""Keys of stars, and the random numbers and splits that follow from them."""

"""TensorFlow and Keras only here; running a plan needs numpy alone."""

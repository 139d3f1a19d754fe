"""Files of a run on disk. Needs no TensorFlow."""

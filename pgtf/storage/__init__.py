"""Storage: the bytes of a run on disk. No TensorFlow."""

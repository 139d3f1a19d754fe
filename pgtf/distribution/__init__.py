"""Distribution: training on many devices and machines."""

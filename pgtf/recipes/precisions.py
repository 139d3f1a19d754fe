"""Precisions in which arrays are stored, by name."""

# {precision: bits of a value}
BITS = {"float32": 32, "float16": 16, "int8": 8}
FLOATS = ("float32", "float16")  # Those that vectors can be stored in: integers have a scale for each filter.

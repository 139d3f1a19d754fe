"""Precisions in which arrays are stored, by name.

float32, float16      each value
int8                  code × scale, a scale for each filter
int4, int3, int2      code × scale, a scale for at most 64 values of a filter; entropy-coded
delta4, …, delta1     code × scale, a scale for each filter; entropy-coded. As `recipes.Delta` trains it
"""

import math
from typing import Optional

# {precision: (bits of a code, most values that share a scale)}
LOW_BITS: dict[str, tuple[float, Optional[int]]] = {
    **{f"int{bits}": (bits, 64) for bits in (4, 3, 2)},
    **{f"delta{bits:g}": (bits, None) for bits in (4, 3, 2, 1.58, 1)},
}
# {precision: bits of a value, rounded up}
BITS = {"float32": 32, "float16": 16, "int8": 8, **{name: math.ceil(bits) for name, (bits, _) in LOW_BITS.items()}}
FLOATS = ("float32", "float16")  # Those that vectors can be stored in: integers have a scale for each filter.
CHOICES = ("float32", "float16", "int8", "int4", "int3", "int2")  # Those that a user can choose.

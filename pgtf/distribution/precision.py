"""Precision: the dtype policy of training, chosen for the machine if the setting is "auto"."""

import functools

import tensorflow as tf

# Linux's names of the CPU instructions that multiply bfloat16.
BFLOAT16_INSTRUCTIONS = frozenset({"amx_bf16", "avx512_bf16"})
# Compute capabilities of NVIDIA GPUs: the first with tensor cores (Volta), the first with bfloat16 ones (Ampere).
TENSOR_CORES, BFLOAT16_TENSOR_CORES = (7, 0), (8, 0)


def resolved(precision: str) -> str:
    """Returns the precision, or for "auto" the fastest one of this machine."""
    return _of_this_machine() if precision == "auto" else precision


def fastest(instructions: set[str], gpus: list[tuple[int, int]]) -> str:
    """Returns the fastest precision of a machine, a Keras policy.

    Args:
      instructions: The CPU's instruction sets, by Linux's names.
      gpus: Compute capability of each GPU. If there are any, only they count.
    """
    if not gpus:
        return "mixed_bfloat16" if instructions & BFLOAT16_INSTRUCTIONS else "float32"
    if min(gpus) >= BFLOAT16_TENSOR_CORES:
        return "mixed_bfloat16"
    return "mixed_float16" if min(gpus) >= TENSOR_CORES else "float32"


@functools.cache
def _of_this_machine():
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    # A GPU without a reported capability is not known to multiply 16-bit floats faster.
    return fastest(instructions(), [detail.get("compute_capability") or (0, 0) for detail in details])


def instructions(path: str = "/proc/cpuinfo") -> set[str]:
    """Returns the CPU's instruction sets as Linux reports them; empty if it does not."""
    try:
        with open(path) as file:
            lines = [line for line in file if line.startswith("flags")]
    except OSError:
        return set()
    return set(lines[0].partition(":")[2].split()) if lines else set()

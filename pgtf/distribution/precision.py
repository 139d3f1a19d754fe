"""What networks compute in while they learn, where a run leaves it to the machine."""

import functools

import tensorflow as tf

# What Linux calls the instructions that multiply bfloat16.
BFLOAT16_INSTRUCTIONS = frozenset({"amx_bf16", "avx512_bf16"})
# Compute capabilities of NVIDIA's GPUs: the first with tensor cores (Volta), the first whose take bfloat16 (Ampere).
TENSOR_CORES, BFLOAT16_TENSOR_CORES = (7, 0), (8, 0)


def resolved(precision: str) -> str:
    """The precision itself, or for "auto" the fastest that this machine computes in."""
    return _of_this_machine() if precision == "auto" else precision


def fastest(instructions: set[str], gpus: list[tuple[int, int]]) -> str:
    """The fastest precision of a machine.

    Args:
      instructions: Of its processor, as Linux calls them.
      gpus: The compute capability of each GPU; where there are any, they compute.

    Returns:
      A Keras policy.
    """
    if not gpus:
        return "mixed_bfloat16" if instructions & BFLOAT16_INSTRUCTIONS else "float32"
    if min(gpus) >= BFLOAT16_TENSOR_CORES:
        return "mixed_bfloat16"
    return "mixed_float16" if min(gpus) >= TENSOR_CORES else "float32"


@functools.cache
def _of_this_machine():
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    # A GPU that tells no capability is none that is known to multiply 16-bit floats faster.
    return fastest(instructions(), [detail.get("compute_capability") or (0, 0) for detail in details])


def instructions(path: str = "/proc/cpuinfo") -> set[str]:
    """The processor's instruction sets, as Linux tells them; none where nothing tells them."""
    try:
        with open(path) as file:
            lines = [line for line in file if line.startswith("flags")]
    except OSError:
        return set()
    return set(lines[0].partition(":")[2].split()) if lines else set()

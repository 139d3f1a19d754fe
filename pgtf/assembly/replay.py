"""Records the outputs of networks for a task's probes, and compares later outputs with them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pgtf.data.rgb_images import to_input
from pgtf.storage.probes import Probes, Replay, largest_difference


def recorded(probes: Probes, networks: Mapping[str, Any]) -> Probes:
    """Returns these probes with the outputs of these networks."""
    made = {prefix: outputs(network, probes.inputs[prefix]) for prefix, network in networks.items()}
    return dataclasses.replace(probes, outputs=made)


def replayed(probes: Probes, networks: Mapping[str, Any]) -> Replay:
    """Compares the outputs of these networks with the recorded ones."""
    if not probes.outputs.keys() == probes.inputs.keys() == networks.keys():
        raise ValueError(
            f"The probes do not belong to the task's networks, {', '.join(networks)}. Received: inputs of "
            f"{', '.join(probes.inputs) or 'none'}, outputs of {', '.join(probes.outputs) or 'none'}"
        )
    try:
        now = recorded(probes, networks).outputs
    except tf.errors.OpError as error:
        raise ValueError(f"The networks can't process the probes. Received: {error.message}") from error
    for prefix, then in probes.outputs.items():
        if now[prefix].shape != then.shape:
            raise ValueError(
                f"A network's outputs must have the shape of the recorded ones. Received: {list(now[prefix].shape)} of "
                f"{prefix}, where {list(then.shape)} is recorded"
            )
    return Replay(
        difference=max(largest_difference(now[prefix], then) for prefix, then in probes.outputs.items()),
        bit_equal=all(now[prefix].tobytes() == then.tobytes() for prefix, then in probes.outputs.items()),
    )


def outputs(network: Any, inputs: np.ndarray) -> np.ndarray:
    """Applies a network to inputs [n, …]. uint8 images are scaled to [-1, 1].

    Runs on the CPU, where float32 is exact and every call uses the same code. GPUs round to TF32, and may choose
    another algorithm in each call. Runs one image at a time, so that the batch size does not affect the last bit.
    """
    with tf.device("CPU:0"):
        return np.concatenate([network(to_input(row)[None], training=False).numpy() for row in inputs])

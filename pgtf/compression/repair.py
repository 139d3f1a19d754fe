"""Repair of a compressed task: distillation from the task that it was made of."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers, recipes
from pgtf.objectives.optimizers import LinearDecay, adam

BATCH = 4


def repair(
    networks: Mapping[str, keras.Model],
    wanted: Mapping[str, np.ndarray],
    inputs: Mapping[str, np.ndarray],
    *,
    steps: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Trains compressed networks to make a task's outputs, with kernels rounded in each step.

    Args:
      networks: {prefix: network}.
      wanted: {prefix: outputs of the task}.
      inputs: {prefix: float images}.
      steps: Number of steps.
      learning_rate: Adam's, which decays linearly to zero.
      seed: Seed of the order of the images.
    """
    for prefix, network in networks.items():
        for recipe in layers.made_kernels(network).values():
            if isinstance(recipe, recipes.Delta):
                recipe.rounding.assign(True)
        _distill(network, wanted[prefix], inputs[prefix], steps, learning_rate, seed)


def _distill(network: Any, wanted: np.ndarray, inputs: np.ndarray, steps: int, rate: float, seed: int) -> None:
    """Minimizes the L1 distance of a network's outputs from the wanted ones."""
    variables = network.trainable_variables
    optimizer = adam(LinearDecay(rate, 0, steps), "float32")
    optimizer.build(variables)

    @tf.function
    def step(images, targets):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(network(images, training=False) - targets))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    draw, count = np.random.default_rng(seed), min(BATCH, len(inputs))
    for _ in range(steps):
        places = draw.choice(len(inputs), count, replace=False)
        step(tf.constant(inputs[places]), tf.constant(wanted[places]))

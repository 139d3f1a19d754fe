"""Piggyback: a few free filters, the rest mixed from the filters of earlier tasks."""

import math

import keras
import numpy as np
import tensorflow as tf

from pgtf.recipes.base import Recipe


def unconstrained_filters(ratio, c_out):
    """λ·c_out rounded to the nearest whole filter, halves up: the one place that rounds it."""
    return math.floor(ratio * c_out + 0.5)


def mixing_is_cheaper(kernel_shape, bank_filters, x_shape, y_shape):
    """Whether a training step costs fewer multiply-adds with mixed activations than with a composed kernel.

    The kernel is [h, w, c_in, p] (piggyback filters only); x_shape and y_shape are the layer's, [batch, h, w, c].
    Composing pays for the kernel (once forward, once for the mixing's gradient) and for a convolution with p
    filters, three times; mixing pays for a convolution with B filters, twice (the frozen bank needs no gradient), and
    for the mixing at every position that comes out, three times. Unknown sizes: compose.
    """
    inputs, outputs = (math.prod(s[:3]) if None not in s[:3] else None for s in (tuple(x_shape), tuple(y_shape)))
    if inputs is None or outputs is None:
        return False
    *receptive, p = kernel_shape
    k, b = math.prod(receptive), bank_filters
    # A convolution works once for each position of its smaller side: its output, or a transposed one's input.
    convolved = min(inputs, outputs)
    compose = 2 * k * b * p + 3 * convolved * k * p
    mix = 2 * convolved * k * b + 3 * outputs * b * p
    return mix < compose


@keras.saving.register_keras_serializable(package="pgtf")
class Piggyback(Recipe):
    """F = [unconstrained | R⁻¹(R(bank) ⊗ mixing)] (eq. 5).

    bank is an array [h, w, c_in, B], the unconstrained filters of all earlier tasks side by side; it is copied into a
    variable that is never trained. λ = 0 gives pure factorization, λ = 1 a free kernel.

    start: "first_task" begins as the first task's kernel, the first c_out filters of the bank; "random" begins with
    `initializer` for the unconstrained filters and a mixing that gives piggyback filters the bank's spread.
    apply: "compose" makes the kernel and convolves; "mix" convolves with the bank and mixes the activations, which is
    the same because convolution is linear in its kernel; "auto" takes the cheaper, layer by layer.
    """

    def __init__(
        self, bank, ratio=0.25, *, start="first_task", apply="auto", initializer="glorot_uniform", seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        if not 0 <= ratio <= 1:
            raise ValueError(f"The unconstrained ratio must lie in [0, 1]. Received: {ratio}")
        if start not in ("first_task", "random"):
            raise ValueError(f"`start` must be 'first_task' or 'random'. Received: {start!r}")
        if apply not in ("auto", "compose", "mix"):
            raise ValueError(f"`apply` must be 'auto', 'compose' or 'mix'. Received: {apply!r}")
        if np.ndim(bank) != 4 or np.shape(bank)[-1] == 0:
            raise ValueError(f"A bank must be [height, width, c_in, filters >= 1]. Received: {np.shape(bank)}")
        self.bank_shape = tuple(np.shape(bank))
        self.given_bank = np.asarray(bank, "float32")  # Until there is a variable for it.
        self.ratio, self.start, self.way, self.seed = ratio, start, apply, seed
        self.initializer = keras.initializers.get(initializer)

    @property
    def bank_filters(self):
        return self.bank_shape[-1]

    def shapes(self, shape):
        *receptive, c_out = shape
        u = unconstrained_filters(self.ratio, c_out)
        shapes = {"unconstrained": (*receptive, u), "mixing": (self.bank_filters, c_out - u)}
        return {name: shape for name, shape in shapes.items() if shape[-1]}

    def build(self, shape):
        *receptive, c_out = shape
        if tuple(receptive) != self.bank_shape[:3]:
            raise ValueError(
                "The bank's filters must have the kernel's height, width and input channels: "
                f"{tuple(receptive)}. Received: a bank {self.bank_shape}"
            )
        if self.start == "first_task" and self.bank_filters < c_out:
            raise ValueError(
                f"start='first_task' copies the first {c_out} filters of the bank, so it must hold as many; "
                f"start='random' needs none. Received: a bank of {self.bank_filters}"
            )
        shapes = self.shapes(shape)
        self.bank = self._variable("bank", self.bank_shape, self.given_bank, trainable=False)
        # Empty parts are None: nothing to train, nothing to store.
        self.unconstrained = self.mixing = None
        if "unconstrained" in shapes:
            start = self.initializer
            if self.start == "first_task":
                start = self.given_bank[..., : shapes["unconstrained"][-1]]
            self.unconstrained = self._variable("unconstrained", shapes["unconstrained"], start)
        if "mixing" in shapes:
            self.mixing = self._variable("mixing", shapes["mixing"], self._first_mixing(*shapes["mixing"], c_out))
        self.given_bank = None
        super().build(shape)

    def _first_mixing(self, b, p, c_out):
        if self.start == "first_task":
            return np.eye(b, c_out, dtype="float32")[:, c_out - p :]
        return keras.initializers.RandomNormal(stddev=b**-0.5, seed=self.seed)

    def _variable(self, name, shape, start, trainable=True):
        if isinstance(start, np.ndarray):
            start = _Given(start)
        return self.add_weight(name=name, shape=shape, initializer=start, trainable=trainable)

    def kernel(self):
        parts = []
        if self.unconstrained is not None:
            parts.append(tf.convert_to_tensor(self.unconstrained))
        if self.mixing is not None:
            parts.append(tf.tensordot(self.bank, self.mixing, 1))
        return tf.concat(parts, -1) if len(parts) > 1 else parts[0]

    def apply(self, x, convolve, output_shape):
        if self.mixing is None or not self._mixes(x.shape, output_shape):
            return convolve(x, self.kernel())
        parts = [tf.tensordot(convolve(x, tf.convert_to_tensor(self.bank)), self.mixing, 1)]
        if self.unconstrained is not None:
            parts.insert(0, convolve(x, tf.convert_to_tensor(self.unconstrained)))
        return tf.concat(parts, -1)

    def _mixes(self, x_shape, y_shape):
        if self.way != "auto":
            return self.way == "mix"
        piggyback_kernel = (*self.bank.shape[:3], self.mixing.shape[-1])
        return mixing_is_cheaper(piggyback_kernel, self.bank_filters, x_shape, y_shape)

    def own(self):
        own = {"unconstrained": self.unconstrained, "mixing": self.mixing}
        return {name: variable for name, variable in own.items() if variable is not None}

    def get_config(self):
        # A config holds no weights: the bank goes by its shape and is zero until saved weights are loaded.
        return {
            **super().get_config(),
            "bank": list(self.bank_shape),
            "ratio": self.ratio,
            "start": self.start,
            "apply": self.way,
            "initializer": keras.initializers.serialize(self.initializer),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "bank": np.zeros(config["bank"], "float32")})


class _Given(keras.initializers.Initializer):
    """Starts a variable at a given array."""

    def __init__(self, value):
        self.value = value

    def __call__(self, shape, dtype=None, **kwargs):
        return tf.cast(tf.reshape(self.value, shape), dtype or "float32")

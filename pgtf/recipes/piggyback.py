"""Piggyback: a few unconstrained filters, the others linear combinations of earlier tasks' filters."""

import math
from typing import Any, Callable, Optional

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pgtf.recipes.borrowing import Borrowing
from pgtf.recipes.specs import Spec, piggyback

# Standard deviation of free filters: GANs start with N(0, 0.02).
FREE_SPREAD = 0.02


def mixing_is_cheaper(kernel_shape: tuple, bank_filters: int, x_shape: tuple, y_shape: tuple) -> bool:
    """Returns whether a training step costs fewer multiply-adds with mixed activations than with a composed kernel.

    Composing pays for the kernel (once forward, once for the mixing's gradient) and for a convolution with p filters,
    three times. Mixing pays for a convolution with B filters, twice (the frozen bank needs no gradient), and for the
    mixing at every output position, three times. Returns False if a size is unknown.

    Args:
      kernel_shape: [h, w, c_in, p], the piggyback filters only.
      bank_filters: B.
      x_shape, y_shape: Shapes of the layer's input and output, [batch, h, w, c].
    """
    inputs, outputs = (math.prod(s[:3]) if None not in s[:3] else None for s in (tuple(x_shape), tuple(y_shape)))
    if inputs is None or outputs is None:
        return False
    *receptive, p = kernel_shape
    k, b = math.prod(receptive), bank_filters
    # A convolution applies its kernel at each output position; a transposed one at each input position.
    convolved = min(inputs, outputs)
    compose = 2 * k * b * p + 3 * convolved * k * p
    mix = 2 * convolved * k * b + 3 * outputs * b * p
    return mix < compose


@keras.saving.register_keras_serializable(package="pgtf")
class Piggyback(Borrowing):
    """F = [unconstrained | R⁻¹(R(bank) ⊗ mixing)] (eq. 5).

    The bank is copied into a variable that is never trained. λ = 0 gives pure factorization, λ = 1 a free kernel.

    Args:
      bank: Array [h, w, c_in, B], the unconstrained filters of earlier tasks side by side; or its shape, if the values
        are loaded later.
      ratio: λ, the fraction of filters that are unconstrained. Default: 0.25.
      free_up_to: A kernel of at most this many values is unconstrained entirely. Default: 0.
      start: A mixing [B, c_out]; the kernel starts as bank ⊗ start. Default: `initializer` for the unconstrained
        filters, and a random mixing that gives piggyback filters the bank's spread.
      equal_steps: Whether mixing = V·50/√B, where V is trained and stored. Relative to its size, Adam moves a filter of
        spread 0.02 by lr/0.02 per step, a mixing of spread 1/√B by only lr·√B, and V as fast as the filter.
        Default: False.
      strategy: "compose" makes the kernel and convolves with it. "mix" convolves with the bank and mixes the
        activations; the result is the same because convolution is linear in its kernel. "auto" takes the cheaper for
        each layer. Default: "auto".
      initializer: Initializer of the unconstrained filters.
      seed: Seed of the mixing's initial values.
    """

    def __init__(
        self,
        bank: npt.ArrayLike,
        ratio: float = 0.25,
        *,
        free_up_to: int = 0,
        start: Optional[npt.ArrayLike] = None,
        equal_steps: bool = False,
        strategy: str = "auto",
        initializer: Any = "glorot_uniform",
        seed: Optional[int] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(bank, **kwargs)
        if not 0 <= ratio <= 1:
            raise ValueError(f"`ratio`, the unconstrained ratio, must lie in [0, 1]. Received: {ratio}")
        if strategy not in ("auto", "compose", "mix"):
            raise ValueError(f"`strategy` must be 'auto', 'compose' or 'mix'. Received: {strategy!r}")
        if start is not None and np.shape(start)[:-1] != (self.bank_filters,):
            raise ValueError(
                f"`start` must be a mixing [bank's filters, kernel's filters]: [{self.bank_filters}, …]. "
                f"Received: {list(np.shape(start)) or repr(start)}"
            )
        self.ratio, self.free_up_to, self.strategy, self.seed = ratio, free_up_to, strategy, seed
        self.equal_steps = equal_steps
        self.gain = self.bank_filters**-0.5 / FREE_SPREAD if equal_steps else 1.0
        self._start = start
        self.initializer = keras.initializers.get(initializer)

    def specs(self, shape: tuple[int, ...]) -> dict[str, Spec]:
        return piggyback(shape, self.bank_shape, self.ratio, free_up_to=self.free_up_to)

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        specs, spread = self.specs(shape), self.bank_filters**-0.5 / self.gain
        mixing = keras.initializers.RandomNormal(stddev=spread, seed=self.seed)
        # Empty parts are None: there is nothing to train or store.
        self.unconstrained = self._variable("unconstrained", specs, self.initializer)
        self.mixing = self._variable("mixing", specs, mixing)
        if self._start is not None:
            self.copy_matching(self._start)
        self._start = None

    def _variable(self, name, specs, initializer):
        return self.add_weight(name=name, shape=specs[name].shape, initializer=initializer) if name in specs else None

    def copy_matching(self, start: npt.ArrayLike) -> None:
        """Sets the kernel to bank ⊗ start, where `start` is a mixing [B, c_out]."""
        start = np.asarray(start, "float32")
        p = self.mixing.shape[-1] if self.mixing is not None else 0
        u = self.unconstrained.shape[-1] if self.unconstrained is not None else 0
        if start.shape != (self.bank_filters, u + p):
            raise ValueError(
                f"`start` must be a mixing [bank's filters, kernel's filters]: {[self.bank_filters, u + p]}. "
                f"Received: {list(start.shape)}"
            )
        if u:
            self.unconstrained.assign(np.tensordot(self.bank.numpy(), start[:, :u], 1))
        if p:
            self.mixing.assign(start[:, u:] / self.gain)

    def fit_to(self, kernel: npt.ArrayLike) -> None:
        """Fits this kernel to another: copies its unconstrained filters, and fits the mixing by least squares.

        Args:
          kernel: [h, w, c_in, c_out].
        """
        kernel = np.asarray(kernel, "float32")
        if kernel.shape != self.kernel_shape:
            raise ValueError(f"`kernel` must have this kernel's shape, {self.kernel_shape}. Received: {kernel.shape}")
        u = 0
        if self.unconstrained is not None:
            u = self.unconstrained.shape[-1]
            self.unconstrained.assign(kernel[..., :u])
        if self.mixing is not None:
            bank, wanted = (np.reshape(a, (-1, a.shape[-1])) for a in (self.bank.numpy(), kernel[..., u:]))
            self.mixing.assign(np.linalg.lstsq(bank, wanted, rcond=None)[0] / self.gain)

    def kernel(self) -> tf.Tensor:
        parts = []
        if self.unconstrained is not None:
            parts.append(tf.convert_to_tensor(self.unconstrained))
        if self.mixing is not None:
            parts.append(self._mixed(self.frozen))
        return tf.concat(parts, -1) if len(parts) > 1 else parts[0]

    def output(self, x: tf.Tensor, convolve: Callable, output_shape: tuple) -> tf.Tensor:
        if self.mixing is None or not self._mixes(x.shape, output_shape):
            return convolve(x, self.kernel())
        parts = [self._mixed(convolve(x, self.frozen))]
        if self.unconstrained is not None:
            parts.insert(0, convolve(x, tf.convert_to_tensor(self.unconstrained)))
        return tf.concat(parts, -1)

    def _mixed(self, of_bank):
        """Mixes the bank's filters, or their activations: [..., B] to [..., c_out - λ·c_out]."""
        return tf.tensordot(of_bank, self.mixing if self.gain == 1 else self.mixing * self.gain, 1)

    def _mixes(self, x_shape, y_shape):
        if self.strategy != "auto":
            return self.strategy == "mix"
        piggyback_kernel = (*self.bank.shape[:3], self.mixing.shape[-1])
        return mixing_is_cheaper(piggyback_kernel, self.bank_filters, x_shape, y_shape)

    def task_variables(self) -> dict[str, tf.Variable]:
        own = {"unconstrained": self.unconstrained, "mixing": self.mixing}
        return {name: variable for name, variable in own.items() if variable is not None}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "ratio": self.ratio,
            "free_up_to": self.free_up_to,
            "equal_steps": self.equal_steps,
            "strategy": self.strategy,
            "initializer": keras.initializers.serialize(self.initializer),
            "seed": self.seed,
        }

"""Compiled networks whose values are swapped: all tasks of one architecture share one compiled network.

To run a task, its composed kernels are assigned to the network's variables. A variable takes the tensor without a copy.
Kernels that the task has in common with the previous one are left as they are. Nothing is traced again.
"""

import collections
import threading
from collections.abc import Hashable
from typing import Any, Optional

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import check_extent, rebuild
from pgtf.assembly.composing import (
    MOST_BYTES,
    StoredKernel,
    TensorCache,
    UnreadArray,
    UnreadTask,
    is_composable,
    kernels,
)
from pgtf.distribution.precision import resolved
from pgtf.foundation import retracing
from pgtf.foundation.errors import BankError
from pgtf.foundation.keras_versions import tf_variable
from pgtf.layers.inference import Conv2DTranspose, InferenceFactory, products
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import Facts
from pgtf.storage.task_slice import TaskSlice

NAME = "network"  # Of a network that no task owns; layers are found at NAME/LAYER/VARIABLE.
ALONE = 4  # Networks in memory of methods whose tasks have different layers.
FIXED = 4  # Batch sizes of images of the training size for which a network is compiled separately.


class CompiledNetwork:
    """A network with its compiled functions. values: Identity of the task whose values are assigned."""

    def __init__(self, network: keras.Model, size: tuple[int, int]):
        self.network, self.size = network, size
        self.variables = {path: tf_variable(one) for path, one in layers.variables(network).items()}
        self.values: Hashable = None
        self.keys: dict[str, Hashable] = {}  # Of the kernels that the variables have.
        self._functions: dict[tuple, Any] = {}

    @property
    def traces(self) -> int:
        """Number of traces of the network: one for each function."""
        return sum(function.experimental_get_tracing_count() for function in self._functions.values())

    def __call__(self, images: Any) -> tf.Tensor:
        """Applies the network to images [n, h, w, channels] in [-1, 1].

        At the training size, for the first few batch sizes, small maps are computed as matrix products.
        """
        shape: tuple = tuple(np.shape(images))
        fixed = shape[1:3] == self.size and (shape in self._functions or len(self._functions) < FIXED)
        shape = shape if fixed else (None, *self.network.input_shape[1:])
        if shape not in self._functions:
            self._functions[shape] = self._compiled(shape)
        with retracing.silence_retracing():
            return self._functions[shape](images)

    def _compiled(self, shape):
        @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)], autograph=False)
        def apply(images):
            with products(self.network):
                return self.network(images, training=False)

        return apply


class SwappedNetworks:
    """The compiled networks of many tasks.

    Args:
      most_bytes: Most bytes of kernels that stay in memory. Default: 512 MiB.
        Kernels stored in 8 or 16 bits do not stay: they are read again in milliseconds.
      dtype: Precision of inference, "float32" or "bfloat16". Kernels are always composed in float32.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, dtype: str = "float32"):
        self.dtype, self.cache = dtype, TensorCache(most_bytes)
        self.lock = threading.RLock()
        self._shared: dict[Hashable, CompiledNetwork] = {}
        self._alone: collections.OrderedDict[Hashable, CompiledNetwork] = collections.OrderedDict()
        # Kernels and arrays of each task.
        self._parts: dict[Hashable, tuple[list[StoredKernel], dict[str, UnreadArray]]] = {}

    @property
    def compiled(self) -> list[CompiledNetwork]:
        """All networks in memory."""
        return [*self._shared.values(), *self._alone.values()]

    def network_for(self, task_slice: TaskSlice, bank: FilterBank, prefix: str) -> CompiledNetwork:
        """Returns a compiled network with a task's values. Hold `lock` until the call of the network is done.

        Args:
          task_slice: The task's slice.
          bank: The tasks that it borrows from.
          prefix: Name of the network.
        """
        facts = task_slice.facts
        identity = task_slice.sha256, facts.method, tuple(bank[name].sha256 for name in bank.names), prefix
        if not is_composable(facts):
            return self._own_network(identity, task_slice, bank, prefix)
        shape = facts.architecture.of(prefix)
        key = shape.network, shape.row, facts.method.width(shape.width), shape.norm, shape.upsampling, shape.size
        if key not in self._shared:
            self._shared[key] = CompiledNetwork(_network(facts, prefix, self.dtype), shape.size)
        compiled = self._shared[key]
        if compiled.values != identity:
            compiled.values = None  # Until all are assigned.
            try:
                if identity not in self._parts:
                    check_extent(task_slice, bank)
                    made = list(kernels(task_slice, bank, prefix, self.cache))
                    self._parts[identity] = made, UnreadTask(task_slice).values
                self._assign(compiled, *self._parts[identity], prefix)
            except (KeyError, tf.errors.InvalidArgumentError) as error:
                raise BankError(
                    f"The slice lacks arrays that its networks need. Received: {task_slice.name!r} ({error})"
                ) from error
            compiled.values = identity
        return compiled

    def _assign(
        self, compiled: CompiledNetwork, made: list[StoredKernel], arrays: dict[str, UnreadArray], prefix: str
    ) -> None:
        """Assigns a task's kernels, biases and norms to a network's variables."""
        variables = dict(compiled.variables)
        for kernel in made:
            name = kernel.path.split("/", 1)[1]
            variable = variables.pop(f"{NAME}/{name}/kernel")
            if compiled.keys.get(name) != kernel.key:
                compiled.keys.pop(name, None)
                outputs_first = isinstance(compiled.network.get_layer(name), Conv2DTranspose)
                variable.assign(self._fitting(kernel, variable.dtype, outputs_first))
                compiled.keys[name] = kernel.key
        for place, variable in variables.items():
            tensor = arrays[f"{prefix}/{place.split('/', 1)[1]}"].tensor
            variable.assign(tensor if tensor.dtype == variable.dtype else tf.cast(tensor, variable.dtype))

    def _fitting(self, kernel: StoredKernel, dtype: tf.DType, outputs_first: bool) -> tf.Tensor:
        """Returns a kernel in a layer's layout and dtype."""

        def fitted():
            made = kernel.make()
            return tf.cast(tf.transpose(made, [0, 1, 3, 2]) if outputs_first else made, dtype)

        if not kernel.is_worth_memory:
            return fitted()
        return self.cache.load_or_make((kernel.key, dtype, outputs_first), fitted)

    def _own_network(self, identity, task_slice, bank, prefix):
        """Returns the network of a task with further layers, which no other task can use."""
        if identity not in self._alone:
            while len(self._alone) >= ALONE:
                self._alone.popitem(last=False)
            plain = layers.folded(rebuild(task_slice, bank, (prefix,))[prefix])
            self._alone[identity] = CompiledNetwork(plain, task_slice.facts.architecture.size)
        self._alone.move_to_end(identity)
        return self._alone[identity]


def _network(facts: Facts, prefix: str, dtype: str) -> keras.Model:
    """Builds the network of a task's architecture for inference, with zeros as values."""
    shape = facts.architecture.of(prefix)
    make = InferenceFactory(NAME, norm=shape.norm, upsampling=shape.upsampling)
    with build.precision(dtype):
        image = keras.Input(shape.input, dtype="float32")
        return keras.Model(image, shape(image, make, facts.method.width(shape.width)), name=NAME)


def swapped_networks(precision: str) -> SwappedNetworks:
    """Returns networks for inference in float32, in bfloat16, or for "auto" in the faster one of this machine."""
    sixteen = resolved("auto") == "mixed_bfloat16" if precision == "auto" else precision == "bfloat16"
    return SwappedNetworks(dtype="bfloat16" if sixteen else "float32")


class TaskNetwork:
    """One network of a stored task. It runs in a compiled network that other tasks share.

    Args:
      networks: The compiled networks.
      task_slice: The task's slice.
      bank: The tasks that it borrows from.
      prefix: Name of the network.
    """

    def __init__(self, networks: SwappedNetworks, task_slice: TaskSlice, bank: FilterBank, prefix: str):
        self.networks, self.task_slice, self.bank, self.prefix = networks, task_slice, bank, prefix

    def __call__(self, images: Any, training: Optional[bool] = False) -> tf.Tensor:
        """Applies the network to float32 images [n, h, w, channels] in [-1, 1], in inference mode."""
        if training:
            raise ValueError(
                "A stored task's network can't be trained. Call it with training=False. Received: training=True"
            )
        with self.networks.lock:
            return self.networks.network_for(self.task_slice, self.bank, self.prefix)(images)

"""Parameters of one network, counted from shapes without building its layers."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pgtf.layers import planned_shapes
from pgtf.layers.kernel_site import SiteFactory
from pgtf.layers.planned_shapes import Shape
from pgtf.methods import Bank, BankTask, Full, Method
from pgtf.networks import Architecture
from pgtf.recipes import planned
from pgtf.recipes.specs import Spec


class ParameterCounter(SiteFactory):
    """A layer factory that builds no layers, but records the arrays that they would store. Needs no TensorFlow.

    Attributes:
      kernels: {path: {name: Spec}}.
      others: {path: {"biases" or "norms": number of values}}.
      sites: [(layer's name, shape, {setting of its `KernelSite`: value})] of the kernels, in order.
    """

    layers = planned_shapes
    recipes = planned

    def __init__(self, prefix: str, *, norm: str = "instance", **settings: Any) -> None:
        super().__init__(prefix, norm=norm, **settings)
        self.values_per_norm = {"instance": 2, "batch": 4, "none": 0}[norm]
        self.kernels: dict[str, dict[str, Spec]] = {}
        self.others: dict[str, dict[str, int]] = {}
        self.sites: list[tuple[str, tuple[int, ...], dict[str, Any]]] = []

    @property
    def bytes(self) -> int:
        """Bytes that the network would store."""
        kernels = sum(spec.bytes for specs in self.kernels.values() for spec in specs.values())
        return kernels + 4 * sum(sum(others.values()) for others in self.others.values())

    def conv(self, name, filters, kernel_size, *, strides=1, padding="same", normed=False, **site):
        return self._counted(name, filters, kernel_size, self.has_bias(normed), site)

    def equalized(
        self, name, filters, kernel_size, *, strides=1, padding="same", rate=1.0, use_bias=True, bias=0.0, **site
    ):
        return self._counted(name, filters, kernel_size, use_bias, site)

    def modulated(self, name, filters, kernel_size, *, doubles=False, demodulates=True, **site):
        count = self._counted(name, filters, kernel_size, True, site)
        return lambda inputs: count(inputs[0])

    def _counted(self, name, filters, kernel_size, use_bias, site):
        def layer(h):
            self.record(name, (kernel_size, kernel_size, h.shape[-1], filters), **site)
            self.others[f"{self.prefix}/{name}"] = {"biases": filters} if use_bias else {}
            return Shape((None, None, None, filters))

        return layer

    def record(self, name: str, shape: tuple[int, ...], **site: Any) -> None:
        """Records the arrays that a kernel of this shape stores. site: Settings of its `KernelSite`."""
        self.sites.append((name, shape, site))
        self.kernels[f"{self.prefix}/{name}"] = self.recipe(name, **site).stored(shape)

    def noise(self, name):
        self.others[f"{self.prefix}/{name}"] = {"norms": 1}
        return lambda h: h

    def up(self, name, filters, kernel_size, **settings):
        return self.conv(name, filters, self.up_size(kernel_size), **settings)

    def norm(self, name):
        def layer(h):
            if self.values_per_norm:
                self.others[f"{self.prefix}/{name}"] = {"norms": self.values_per_norm * h.shape[-1]}
            return h

        return layer

    def dropout(self, name, rate):
        return lambda h: h


@dataclasses.dataclass(frozen=True)
class PlannedTask:
    """A task that is not learned yet. kernels: {layer path: {name: Spec}} of the arrays that it will store."""

    kernels: Mapping[str, Mapping[str, Spec]]

    @functools.cached_property
    def values(self) -> dict[str, np.ndarray]:
        """{path: placeholder} of the arrays that it will store: of the right shape, without memory."""
        return {
            path: np.broadcast_to(np.bool_() if spec.bits == 1 else np.float32(), spec.shape)
            for path, spec in self._specs
        }

    @functools.cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{path: shape} of the arrays that it will store."""
        return {path: spec.shape for path, spec in self._specs}

    @functools.cached_property
    def lent(self) -> frozenset[str]:
        """The paths of the filters that it will lend."""
        return frozenset(path for path, spec in self._specs if spec.lent)

    @property
    def _specs(self) -> Iterator[tuple[str, Spec]]:
        return ((f"{path}/{name}", spec) for path, specs in self.kernels.items() for name, spec in specs.items())


class PlannedBank(Bank):
    """A bank of planned or stored tasks whose networks are not built, to count the values of a network."""

    def __init__(self, tasks: Mapping[str, BankTask]):
        self._tasks, self.names = tasks, list(tasks)

    def __getitem__(self, name: str) -> BankTask:
        return self._tasks[name]

    def only(self, names: Sequence[str]) -> "PlannedBank":
        """Returns the bank of just these tasks."""
        return PlannedBank({name: self[name] for name in names})

    def network(self, name: str, prefix: str) -> None:
        """Returns None: counting needs only shapes, and a network can contain those of all earlier tasks."""


def recipe_at(architecture: Architecture, method: Method, site: Any, bank: Bank) -> Any:
    """Returns the recipe of a task's kernel that is not task-specific.

    The first layer can borrow only from tasks with the same number of input channels. Otherwise its kernel is free,
    and later tasks do not borrow it.
    """
    prefix, name = site.path.split("/", 1)
    if name == architecture.row.first_layer and bank.names:
        lent = bank.lent(site.path).parts
        if lent and lent[0][2].shape[2] != architecture.of(prefix).inputs:
            return site.recipes.Full(site.initializer, lent=False)
    return method.recipe(site, bank)


def count_parameters(architecture: Architecture, method: Method, prefix: str, bank: Bank) -> ParameterCounter:
    """Counts the values that one generator would store."""
    count = ParameterCounter(
        prefix,
        recipe=lambda site: recipe_at(architecture, method, site, bank),
        head=lambda site: method.head(site, bank),
        norm=architecture.norm,
        upsampling=architecture.upsampling,
    )
    if (
        type(method).maker is Method.maker and type(method).input is Method.input
    ):  # Then all tasks have the layers of a network of free kernels.
        free = _free(architecture, prefix, method.width(architecture.width))
        for name, kernel_shape, site in free.sites:
            count.record(name, kernel_shape, **site)
        count.others = free.others
        return count
    shape = architecture.of(prefix)
    image = Shape((None, *shape.input))
    maker = method.maker(count, image, bank)
    shape(method.input(maker, image, bank), maker, method.width(shape.width))
    return count


def kernel_sites(
    architecture: Architecture, prefix: str, method: Method
) -> Sequence[tuple[str, tuple[int, ...], dict[str, Any]]]:
    """Lists (layer's name, shape, {setting of its `KernelSite`: value}) of a network's kernels, in order."""
    return _free(architecture, prefix, method.width(architecture.width)).sites


def task_specific_layers(architecture: Architecture, prefix: str) -> list[str]:
    """Returns the paths of a network's task-specific layers with kernels."""
    met = _free(architecture, prefix, architecture.width).sites
    return [f"{prefix}/{name}" for name, _, site in met if site.get("task_specific")]


@functools.lru_cache(maxsize=32)
def _free(architecture: Architecture, prefix: str, width: int) -> ParameterCounter:
    """Counts the parameters of a network of full kernels. Cached, because every task needs it."""
    count = ParameterCounter(prefix, norm=architecture.norm, upsampling=architecture.upsampling)
    shape = architecture.of(prefix)
    shape(Shape((None, *shape.input)), count, width)
    return count


@functools.lru_cache(maxsize=16)
def values_by_layer(architecture: Architecture, prefix: str) -> dict[str, int]:
    """Returns {path: number of values} of a network of full kernels."""
    count = count_parameters(architecture, Full(), prefix, PlannedBank({}))
    kernels = {path: sum(spec.values for spec in specs.values()) for path, specs in count.kernels.items()}
    return {path: kernels.get(path, 0) + sum(others.values()) for path, others in count.others.items()}


def full_values(architecture: Architecture, prefixes: Iterable[str]) -> int:
    """Returns the number of values of a task with full kernels."""
    return sum(sum(values_by_layer(architecture, prefix).values()) for prefix in prefixes)

"""Methods: which recipe makes which kernel. A row in METHODS is a method."""

import contextlib
import dataclasses
import zlib
from typing import Callable

import keras

from pgtf import networks
from pgtf.layers import Conv2D, Conv2DTranspose, Dropout, InstanceNormalization, restore
from pgtf.recipes import Full, Piggyback


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a method is told of one layer: its initializer, its part of the bank (None for the first task), settings."""

    initializer: object
    seed: int  # The mixing's, not the initializer's: one seed for both would draw the same numbers twice.
    filters: object = None  # [h, w, c_in, B]
    unconstrained_ratio: float = 0.25
    start: str = "first_task"
    apply: str = "auto"


@dataclasses.dataclass(frozen=True)
class Method:
    """How kernels are made (task-specific layers are always Full), and how wide the network is."""

    recipe: Callable
    width: float = 1.0
    borrows: bool = False  # Whether kernels are made of the bank, from the second task on.


def _full(choice):
    return Full(choice.initializer)


def _piggyback(choice):
    if choice.filters is None:
        return Full(choice.initializer)
    return Piggyback(
        choice.filters,
        choice.unconstrained_ratio,
        start=choice.start,
        apply=choice.apply,
        initializer=choice.initializer,
        seed=choice.seed,
    )


def _factorized(choice):
    return _piggyback(dataclasses.replace(choice, unconstrained_ratio=0.0))


METHODS = {
    "full": Method(_full),
    "half": Method(_full, width=1 / 2),
    "quarter": Method(_full, width=1 / 4),
    "piggyback": Method(_piggyback, borrows=True),
    "factorized": Method(_factorized, borrows=True),
}


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The shape of a network, the same for all tasks of a run."""

    network: str = "unet"  # unet, resnet
    height: int = 256
    width: int = 256
    filters: int = 64
    norm: str = "instance"  # instance, batch
    upsampling: str = "transpose"  # transpose, resize
    blocks: int = 9
    outputs: int = 3

    def __post_init__(self):
        for field, allowed in (
            ("network", ("unet", "resnet")),
            ("norm", ("instance", "batch")),
            ("upsampling", ("transpose", "resize")),
        ):
            if getattr(self, field) not in allowed:
                raise ValueError(f"`{field}` must be one of {', '.join(allowed)}. Received: {getattr(self, field)!r}")
        if self.filters < 1:
            raise ValueError(f"A network needs at least one filter a layer. Received: {self.filters}")
        self.multiple  # Refuses a size that the network can't take.

    @property
    def multiple(self):
        """What an image's height and width must be multiples of."""
        if self.network == "unet":
            return 2 ** networks.unet_depth(self.height, self.width)
        if self.height % 4 or self.width % 4 or min(self.height, self.width) < 16:
            raise ValueError(
                f"A ResNet takes images of at least 16 px, in multiples of 4. Received: {self.height}x{self.width}"
            )
        return 4

    def __call__(self, image, make, filters):
        """The network's output for an image, its layers made by `make`."""
        if self.network == "unet":
            levels = networks.unet_depth(self.height, self.width)
            return networks.unet(image, make, filters, levels=levels, outputs=self.outputs)
        return networks.resnet(image, make, filters, blocks=self.blocks, outputs=self.outputs)


class Maker:
    """Makes a network's layers; `recipe(make, name)` makes the recipe of a kernel that is not task-specific."""

    def __init__(self, prefix, *, recipe=None, norm="instance", upsampling="transpose", seed=0):
        self.prefix, self.recipe, self.seed = prefix, recipe, seed
        self._norm, self._upsampling = norm, upsampling

    def initializer(self, name):
        return keras.initializers.RandomNormal(stddev=0.02, seed=self.seed_of(name))

    def seed_of(self, name):
        """A number of its own for each layer of each network."""
        return zlib.crc32(f"{self.seed}/{self.prefix}/{name}".encode()) & 0x7FFFFFFF

    def conv(self, name, filters, kernel_size, *, strides=1, padding="same", task_specific=False):
        recipe = self._recipe(name, task_specific)
        return Conv2D(filters, kernel_size, strides, padding, recipe=recipe, name=name)

    def up(self, name, filters, kernel_size, *, task_specific=False):
        """A layer that doubles the size: a transposed convolution, or one after a resize (no checkerboards)."""
        recipe = self._recipe(name, task_specific)
        if self._upsampling == "transpose":
            return Conv2DTranspose(filters, kernel_size, 2, "same", recipe=recipe, name=name)
        convolution = Conv2D(filters, kernel_size, 1, "same", recipe=recipe, name=name)
        return lambda h: convolution(keras.layers.UpSampling2D(2, interpolation="bilinear")(h))

    def norm(self, name):
        if self._norm == "instance":
            return InstanceNormalization(name=name)
        return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)

    def dropout(self, name, rate):
        return Dropout(rate, seed=self.seed_of(name), name=name)

    def _recipe(self, name, task_specific):
        if task_specific or self.recipe is None:
            return Full(self.initializer(name))
        return self.recipe(self, name)


def generator(architecture, method, bank=(), *, prefix="forward", borrows_from=None, seed=0, **settings):
    """The generator of the next task after those in `bank`, its layers at paths prefix/NAME.

    borrows_from: the prefixes whose filters it may mix, its own unless told. settings: the last fields of Choice.
    """
    row = METHODS[method]

    def recipe(make, name):
        filters = None
        if row.borrows and len(bank):
            filters = bank.filters(*(f"{source}/{name}" for source in borrows_from or (prefix,)))
        return row.recipe(Choice(make.initializer(name), make.seed_of(f"{name}/mixing"), filters, **settings))

    make = Maker(prefix, recipe=recipe, norm=architecture.norm, upsampling=architecture.upsampling, seed=seed)
    image = keras.Input((None, None, 3))
    filters = max(1, round(row.width * architecture.filters))
    return keras.Model(image, architecture(image, make, filters), name=prefix)


def discriminator(architecture, channels, *, prefix="discriminator", filters=64, n_layers=3, seed=0):
    """A new PatchGAN for images of so many channels; every task has its own, and none is stored."""
    make = Maker(prefix, norm=architecture.norm, seed=seed)
    image = keras.Input((None, None, channels))
    return keras.Model(image, networks.patchgan(image, make, filters, n_layers=n_layers), name=prefix)


def rebuilt(task_slice, bank):
    """{prefix: generator} of a learnt task, from its slice and the bank as it was then; always float32."""
    facts = task_slice.facts
    architecture = Architecture(**facts["architecture"])
    networks_by_prefix = {}
    for prefix in facts["prefixes"]:
        with precision("float32"):
            network = generator(
                architecture,
                facts["method"],
                bank,
                prefix=prefix,
                borrows_from=facts["borrows_from"],
                start="random",
                unconstrained_ratio=facts["unconstrained_ratio"],
            )
        restore(network, task_slice.values)
        networks_by_prefix[prefix] = network
    return networks_by_prefix


@contextlib.contextmanager
def precision(policy):
    """Networks made in this block compute in `policy`."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)

"""Builds the objects of a task from its plan and a bank. Reads and writes no files."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Optional

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly.parameters import PlannedBank, recipe_at
from pgtf.assembly.phase_context import CheckpointedPhaseContext
from pgtf.config import TaskPlan
from pgtf.data.rgb_images import resized, to_input
from pgtf.data.sources import examples
from pgtf.data.streams import Stream
from pgtf.data.task_data import TaskData
from pgtf.distribution import collectives
from pgtf.distribution.precision import resolved
from pgtf.methods import Bank, Full, Method
from pgtf.networks import DISCRIMINATORS, Architecture
from pgtf.objectives import Objective
from pgtf.objectives.base import Auxiliary
from pgtf.objectives.learner import Learner
from pgtf.objectives.optimizers import LinearDecay
from pgtf.storage.probes import Probes

KINDS = ("generators", "discriminators")
TRIAL_IMAGES = 32


def stream(plan: TaskPlan, data: TaskData) -> Stream:
    """Returns the stream of a task's training batches."""
    return Stream(
        data.train,
        *plan.data.size,
        seed=plan.seed,
        batch_size=plan.training.batch_size,
        pairs_apart=data.pairs_apart,
        flip=plan.data.flip,
        padding=plan.data.padding,
    )


def probes(plan: TaskPlan, data: TaskData) -> Probes:
    """Returns the first examples of a task's `shown_split` as probes."""
    shown, shape = map(np.stack, examples(data.shown, plan.training.probes)), plan.architecture.input
    return Probes(*plan.objective.probes(*shown, shape=shape))


def generators(
    architecture: Architecture,
    method: Method,
    prefixes: Iterable[str],
    bank: Optional[Bank] = None,
    seed: Any = 0,
) -> dict[str, keras.Model]:
    """Builds new generators of a task that borrows from `bank`, with initial values.

    Args:
      architecture: Their shape.
      method: How their kernels are made.
      prefixes: Their names.
      bank: The bank of the tasks that it borrows from. Default: none, for the first task.
      seed: Seed of the initial values.

    Returns:
      {prefix: network}.
    """
    bank = bank or PlannedBank({})
    built = {}
    for prefix in prefixes:
        make = layers.LayerFactory(
            prefix,
            recipe=lambda site: recipe_at(architecture, method, site, bank),
            head=lambda site: method.head(site, bank),
            norm=architecture.norm,
            upsampling=architecture.upsampling,
            seed=seed,
            init=architecture.row.init,
        )
        shape = architecture.of(prefix)
        image = keras.Input(shape.input)
        maker = method.maker(make, image, bank)
        output = shape(method.input(maker, image, bank), maker, method.width(shape.width))
        built[prefix] = keras.Model(image, output, name=prefix)
    return built


def free_generators(architecture: Architecture, prefixes: Iterable[str], seed: Any = 0) -> dict[str, keras.Model]:
    """Builds new generators of free kernels, {prefix: network}. Arguments: as for `generators`."""
    return generators(architecture, Full(), prefixes, seed=seed)


def discriminator(
    name: str,
    auxiliary: Auxiliary,
    *,
    width: int = 64,
    n_layers: int = 3,
    norm: str = "instance",
    seed: Any = 0,
    size: tuple[int, int] = (256, 256),
    **options: Any,
) -> keras.Model:
    """Builds a row of DISCRIMINATORS. Every task has its own.

    Args:
      name, width, norm, seed: As for a `layers.LayerFactory` and a network.
      auxiliary: The objective's description of it.
      n_layers, size, **options: Settings of the row. Settings that the row lacks are ignored.
    """
    image = keras.Input(auxiliary.input_at(size))
    make, kind = layers.LayerFactory(name, norm=norm, seed=seed), DISCRIMINATORS[auxiliary.network]
    given = {"layers": n_layers, "size": size, **options}
    row = kind(**{field.name: given[field.name] for field in dataclasses.fields(kind) if field.name in given})
    return keras.Model(image, row(image, make, width), name=name)


def phase_context(objective: Objective, size: tuple[int, int], data: TaskData, wider: bool) -> CheckpointedPhaseContext:
    """Builds the context of a task's phases, which measures distances on the first training images."""

    def entry(array):
        """Returns a batch of one."""
        return to_input(resized(array, *size) if array.ndim == 3 else array)[None]

    @functools.cache
    def batches():
        return [list(map(entry, example)) for example in zip(*examples(data.train, TRIAL_IMAGES))]

    def distance(networks):
        return collectives.broadcast_from_chief(
            float(np.mean([objective.distance(networks, *batch) for batch in batches()]))
        )

    return CheckpointedPhaseContext(distance, wider)


def initial_generators(plan: TaskPlan, bank: Bank) -> dict[str, keras.Model]:
    """Builds the initial generators of a task. bank: The bank of all tasks so far."""
    method, lenders = plan.method, bank.only(plan.method.borrows(bank.names))
    networks = generators(plan.architecture, method, plan.objective.networks, lenders, seed=plan.seed)
    kernels = {path: one for network in networks.values() for path, one in layers.made_kernels(network).items()}
    method.check({path: recipe.specs(recipe.kernel_shape) for path, recipe in kernels.items()})
    method.initialize(networks, bank)
    if plan.training.keep_norms and bank.names:
        for network in networks.values():
            layers.keep_norms(network, bank[bank.names[0]].values)
    return networks


def learner(
    plan: TaskPlan,
    bank: Bank,
    steps: int,
    moves: Sequence[str] = KINDS,
    auxiliary: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> Learner:
    """Builds the learner of a new task.

    Args:
      plan: The task's settings.
      bank: The bank of all tasks so far.
      steps: Number of training steps.
      moves: The kinds of networks that it trains, "generators" or "discriminators".
      auxiliary: {path: array}, the initial values of discriminators. Default: random ones.

    Returns:
      A learner. If it trains generators and --ema is set, it keeps their moving average.
    """
    objective, training = plan.objective, plan.training
    with precision(resolved(training.precision)):
        networks = initial_generators(plan, bank)
        for network in networks.values():
            layers.prepare_for_training(network)
        discriminators = {
            name: discriminator(
                name,
                kind,
                width=plan.networks.discriminator_width,
                n_layers=plan.networks.discriminator_layers,
                norm=plan.networks.norm,
                seed=plan.seed,
                size=plan.data.size,
                **plan.networks.row_settings,
            )
            for name, kind in objective.auxiliary_of(*plan.channels).items()
        }
        for network in discriminators.values() if auxiliary else ():
            layers.restore(network, auxiliary)
        objective.begin_auxiliary(discriminators, is_first=not bank.names)
        rates = [pair for network in networks.values() for pair in layers.rates(network)] + objective.rates(networks)
        moves = [kind for kind in moves if kind == "generators" or discriminators]
        optimizers = {kind: optimizer(plan, steps, rates if kind == "generators" else ()) for kind in moves}
        made = objective.learner(networks, discriminators, optimizers, image_shape=(*plan.data.size, 3), seed=plan.seed)
        made = made.with_accumulation(training.accumulate)
        penalty = plan.method.penalty(networks, bank)
        made = made.penalizing(penalty) if penalty else made
        return made.with_ema(training.ema) if training.ema and "generators" in moves else made


def optimizer(
    plan: TaskPlan, steps: int, rates: Sequence[tuple[tf.Variable, float]] = ()
) -> keras.optimizers.Optimizer:
    """Builds the objective's optimizer.

    Args:
      plan: The task's settings.
      steps: Number of training steps.
      rates: [(variable, learning rate)] of variables with another learning rate. Default: none.
    """
    training = plan.training
    schedule = LinearDecay(training.learning_rate, int(training.decay_from * steps), steps)
    made: keras.optimizers.Optimizer = plan.objective.optimizer(schedule, resolved(training.precision), rates)
    return made


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Sets the precision policy of networks that are built inside the block."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)

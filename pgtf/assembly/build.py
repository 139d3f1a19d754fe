"""Builds the objects of a task from its plan and a bank. Reads and writes no files."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import keras
import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly.parameters import PlannedBank, count_parameters, task_specific_layers
from pgtf.assembly.phase_context import CheckpointedPhaseContext
from pgtf.config import DataSettings, TaskPlan
from pgtf.data.finder import Finder
from pgtf.data.reading import resized, to_float
from pgtf.data.sources import examples
from pgtf.data.streams import Stream
from pgtf.data.task_data import TaskData
from pgtf.distribution import collectives
from pgtf.distribution.precision import resolved
from pgtf.foundation.errors import BankError
from pgtf.methods import Bank, Method
from pgtf.networks import DISCRIMINATORS, Architecture
from pgtf.objectives import Objective
from pgtf.objectives.base import Auxiliary
from pgtf.objectives.learner import Learner
from pgtf.objectives.optimizers import LinearDecay
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import Facts
from pgtf.storage.probes import Probes
from pgtf.storage.task_slice import TaskSlice
from pgtf.storage.values import HeldValues

KINDS = ("generators", "discriminators")
PROBES = 4
TRIAL_IMAGES = 32


def finder(settings: DataSettings, batch: str, seed: int) -> Finder:
    """Returns the finder of the images of a run's tasks.

    Args:
      settings: The settings of the data.
      batch: The objective's kind of batch.
      seed: The run's seed.
    """
    return Finder(
        settings.data_dir,
        batch,
        settings.size,
        settings.load,
        seed=seed,
        drawn_images=settings.drawn_images,
        cache_bytes=settings.cache_mb * 2**20,
        validation=settings.validation,
    )


def data_of(plan: TaskPlan) -> TaskData:
    """Finds a task's images."""
    return finder(plan.data, plan.objective.batch, plan.run.seed)(plan.name, plan.flipped)


def with_data(plan: TaskPlan, data: TaskData) -> TaskPlan:
    """Returns a task's plan with the objective of its data; see `Objective.for_data`."""
    return dataclasses.replace(plan, objective=plan.objective.for_data(data))


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


def probes(objective: Objective, data: TaskData) -> Probes:
    """Returns the first examples of a task's `shown_split` as probes."""
    return Probes(*objective.probes(*map(np.stack, examples(data.shown, PROBES))))


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
      bank: Of the tasks borrowed from; none for the first.
      seed: Of their first values.

    Returns:
      {prefix: network}.
    """
    bank = bank or PlannedBank({})
    built = {}
    for prefix in prefixes:
        make = layers.LayerFactory(
            prefix,
            recipe=lambda place: method.recipe(place, bank),
            head=lambda place: method.head(place, bank),
            norm=architecture.norm,
            upsampling=architecture.upsampling,
            seed=seed,
            init=architecture.row.init,
        )
        image = keras.Input(architecture.input)
        output = architecture(image, method.maker(make, image, bank), method.width(architecture.width))
        built[prefix] = keras.Model(image, output, name=prefix)
    return built


def discriminator(
    name: str,
    auxiliary: Auxiliary,
    *,
    width: int = 64,
    n_layers: int = 3,
    norm: str = "instance",
    seed: Any = 0,
) -> keras.Model:
    """Builds a row of DISCRIMINATORS. Every task has its own, and none is stored."""
    image = keras.Input(auxiliary.input)
    make = layers.LayerFactory(name, norm=norm, seed=seed)
    return keras.Model(image, DISCRIMINATORS[auxiliary.network](n_layers)(image, make, width), name=name)


def trial(objective: Objective, size: tuple[int, int], data: TaskData, wider: bool) -> CheckpointedPhaseContext:
    """Builds the context of a task's phases, which measures distances on the first training images."""

    def entry(array):
        """Returns a batch of one."""
        return (to_float(resized(array, *size)) if array.dtype == np.uint8 else array)[None]

    @functools.cache
    def batches():
        return [list(map(entry, example)) for example in zip(*examples(data.train, TRIAL_IMAGES))]

    def distance(networks):
        return collectives.broadcast_from_chief(
            float(np.mean([objective.distance(networks, *batch) for batch in batches()]))
        )

    return CheckpointedPhaseContext(distance, wider)


def begun(plan: TaskPlan, bank: Bank) -> dict[str, keras.Model]:
    """Builds the initial generators of a task. bank: The bank of all tasks so far."""
    method, lenders = plan.method, bank.only(plan.method.borrows(bank.names))
    networks = generators(plan.architecture, method, plan.objective.networks, lenders, seed=plan.seed)
    kernels = {path: one for network in networks.values() for path, one in layers.made_kernels(network).items()}
    method.check({path: recipe.specs(recipe.kernel_shape) for path, recipe in kernels.items()})
    method.initialize(networks, bank)
    return networks


def learner(plan: TaskPlan, bank: Bank, steps: int, moves: Sequence[str] = KINDS) -> Learner:
    """Builds the learner of a new task.

    Args:
      plan: The task's settings.
      bank: Of all tasks so far.
      steps: For how many steps.
      moves: The kinds of networks that it has an optimizer of.

    Returns:
      A learner; where it moves its generators, with their moving average if one is asked for.
    """
    objective, training = plan.objective, plan.training
    with precision(resolved(training.precision)):
        networks = begun(plan, bank)
        for network in networks.values():
            layers.prepare_for_training(network)
        discriminators = {
            name: discriminator(
                name,
                auxiliary,
                width=plan.networks.discriminator_width,
                n_layers=plan.networks.discriminator_layers,
                norm=plan.networks.norm,
                seed=plan.seed,
            )
            for name, auxiliary in objective.auxiliary.items()
        }
        rates = [pair for network in networks.values() for pair in layers.rates(network)]
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
    """Builds the objective's optimizer for `steps` steps. rates: [(variable, its own learning rate)]."""
    training = plan.training
    schedule = LinearDecay(training.learning_rate, int(training.decay_from * steps), steps)
    made: keras.optimizers.Optimizer = plan.objective.optimizer(schedule, resolved(training.precision), rates)
    return made


def slice_of(name: str, networks: Mapping[str, keras.Model], bank: FilterBank, facts: Facts) -> TaskSlice:
    """Builds the slice of a learned task, rounded as its facts say. bank: The tasks that it borrows from."""
    facts = dataclasses.replace(facts, shares=facts.method.weight_ownership(dict(networks), bank))
    values = {path: value for network in networks.values() for path, value in layers.state(network).items()}
    lent = frozenset(path for network in networks.values() for path in layers.lent(network))
    own = {path: one for network in networks.values() for path, one in layers.precisions(network).items()}
    vectors = {kind: facts.method.vector_precision(kind, bank) for kind in ("biases", "norms")}
    own |= {path: vectors["biases" if path.endswith("/bias") else "norms"] for path in values.keys() - own.keys()}
    held = HeldValues(values, facts.training.get("slice_precision", "float32"), own)
    return TaskSlice(name, held, facts, lent, bank.borrowed(bank.names))


def rebuilt(task_slice: TaskSlice, bank: FilterBank, prefixes: tuple[str, ...] = ()) -> dict[str, keras.Model]:
    """Rebuilds the generators of a learned task, always in float32.

    Args:
      task_slice: The task's slice.
      bank: The tasks that it borrows from.
      prefixes: Names of the generators to build. Default: all.

    Returns:
      {prefix: network}.
    """
    facts = task_slice.facts
    try:
        _check_extent(task_slice, bank)
        with precision("float32"):
            networks = generators(facts.architecture, facts.method, prefixes or facts.generators, bank)
        for network in networks.values():
            layers.restore(network, task_slice.values)
    except BankError:
        raise
    except (KeyError, ValueError) as error:
        raise BankError(
            f"The slice lacks arrays that its networks need. Received: {task_slice.name!r} ({error})"
        ) from error
    return networks


def head_of(task_slice: TaskSlice) -> dict[str, np.ndarray]:
    """Returns {path: array} of the task-specific layers of a learned task."""
    facts = task_slice.facts
    paths = [path for prefix in facts.generators for path in task_specific_layers(facts.architecture, prefix)]
    return {path: value for path, value in task_slice.values.items() if path.rsplit("/", 1)[0] in paths}


def _check_extent(task_slice: TaskSlice, bank: FilterBank) -> None:
    """Raises BankError if facts, perhaps from strangers, describe networks larger than what is stored."""
    task_slice.check_extent()
    task_slice.check()  # What it says of its tensors may be a stranger's, too.
    facts = task_slice.facts
    lenders = PlannedBank({name: bank[name] for name in bank.names})
    needed = sum(
        count_parameters(facts.architecture, facts.method, prefix, lenders).bytes for prefix in facts.generators
    )
    stored = task_slice.values.unrounded_bytes
    if needed > 2 * stored:
        raise BankError(
            f"The slice's facts do not match its tensors. Received: {task_slice.name!r}, {facts.architecture} of "
            f"{needed:,} bytes, where {stored:,.0f} are stored"
        )


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Sets the precision policy of networks that are built inside the block."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)

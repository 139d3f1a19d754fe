"""Converts a learned task's networks to a slice, and rebuilds networks from slices."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.composing import unread
from pgtf.assembly.parameters import count_parameters, task_specific_layers
from pgtf.foundation.errors import BankError
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import Facts
from pgtf.storage.task_slice import TaskSlice
from pgtf.storage.values import HeldValues


class NetworkBank(FilterBank):
    """A bank that can rebuild the networks of its stored tasks."""

    def network(self, name: str, prefix: str) -> Any:
        """Returns one of a task's networks as it was learned."""
        return rebuild(self[name], self.lenders_of(self[name].borrows), (prefix,))[prefix]


def slice_of(name: str, networks: Mapping[str, keras.Model], bank: FilterBank, facts: Facts) -> TaskSlice:
    """Builds the slice of a learned task, rounded to its precision. bank: The tasks that it borrows from."""
    facts = dataclasses.replace(facts, shares=facts.method.weight_ownership(dict(networks), bank))
    values = {path: value for network in networks.values() for path, value in layers.state(network).items()}
    lent = frozenset(path for network in networks.values() for path in layers.lent(network))
    own = {path: one for network in networks.values() for path, one in layers.precisions(network).items()}
    vectors = {kind: facts.method.vector_precision(kind, bank) for kind in ("biases", "norms")}
    own |= {path: vectors["biases" if path.endswith("/bias") else "norms"] for path in values.keys() - own.keys()}
    held = HeldValues(values, facts.training.get("slice_precision", "float32"), own)
    return TaskSlice(name, held, facts, lent, bank.borrowed(bank.names))


def rebuild(task_slice: TaskSlice, bank: FilterBank, prefixes: tuple[str, ...] = ()) -> dict[str, keras.Model]:
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
        check_extent(task_slice, bank)
        with build.precision("float32"):
            networks = build.generators(facts.architecture, facts.method, prefixes or facts.generators, bank)
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


def check_extent(task_slice: TaskSlice, bank: FilterBank) -> None:
    """Raises BankError if facts, which may be untrusted, describe networks that are larger than the stored arrays."""
    task_slice.check_extent()
    task_slice.check()  # What it says of its tensors may be a stranger's, too.
    facts = task_slice.facts
    lenders = unread(bank)
    needed = sum(
        count_parameters(facts.architecture, facts.method, prefix, lenders).bytes for prefix in facts.generators
    )
    stored = task_slice.values.unrounded_bytes
    if needed > 2 * stored:
        raise BankError(
            f"The slice's facts do not match its tensors. Received: {task_slice.name!r}, {facts.architecture} of "
            f"{needed:,} bytes, where {stored:,.0f} are stored"
        )

"""Records the probes of a new slice: outputs that later replays compare with, to detect a changed task."""

import dataclasses
import os

from pgtf.assembly.bank import NetworkBank, rebuild
from pgtf.assembly.replay import recorded
from pgtf.foundation import files
from pgtf.foundation.logger import LOG
from pgtf.storage import run_paths
from pgtf.storage.probes import Probes
from pgtf.storage.task_slice import TaskSlice

# Outputs that differ by less, over all pixels of all probes, show nothing: images in [-1, 1], or scores.
LEAST_SPREAD = 1e-3


def record_probes(task_slice: TaskSlice, lenders: NetworkBank, probes: Probes, folder: str) -> TaskSlice:
    """Writes the probes with the task's outputs, and returns the slice with their hash."""
    probes = recorded(probes, rebuild(task_slice, lenders))
    for prefix, outputs in probes.outputs.items():
        if float(outputs.std(axis=tuple(range(outputs.ndim - 1))).max()) < LEAST_SPREAD:
            pictures = task_slice.facts.objective.makes == "images"
            what = f"{task_slice.name}: every {prefix} output is the same{', or one plain colour' * pictures}"
            LOG.warning(f"{what}. Training failed: more --steps or a lower --learning_rate may help")
    content = probes.content()
    files.write(os.path.join(folder, run_paths.PROBES), content, read_only=True)
    facts = dataclasses.replace(task_slice.facts, probes_sha256=files.sha256(content))
    return dataclasses.replace(task_slice, facts=facts)

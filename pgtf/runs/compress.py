"""Adds a compressed copy of a learned task to a run."""

import dataclasses
import json
import os

from pgtf.assembly.record_probes import record_probes
from pgtf.compression.task import Compressed, Compression, compressed_task
from pgtf.config import flagfile, load_config
from pgtf.data.rgb_images import png
from pgtf.foundation import files, task_names
from pgtf.foundation.settings import name_in
from pgtf.methods import METHODS
from pgtf.runs.lock import locked_run, sample_path
from pgtf.runs.run import Run
from pgtf.storage import run_paths
from pgtf.storage.ledger import Ledger


def compress(run_dir: str, name: str, new_name: str, settings: Compression) -> Compressed:
    """Adds a compressed copy of a task to the end of its run. The task itself is not changed.

    Args:
      run_dir: The run.
      name: The task.
      new_name: Name of the copy.
      settings: Settings of the compression.
    """
    with locked_run(run_dir) as found:
        run, config, ledger = Run(run_dir), load_config(run_dir), Ledger.read(run_dir).checked(found)
        if new_name in run.names or not task_names.is_name(new_name):
            raise ValueError(f"--as must be a new task's name: {task_names.RULE}. Received: {new_name!r}")
        _check(run, name)
        lenders, probes = run.bank.only(run.names[:1]), run[name].probes
        made = compressed_task(new_name, run[name].slice, run[name].networks, lenders, settings)
        folder = run.bank.place(len(run), new_name)
        run.bank.append(record_probes(made.slice, lenders, dataclasses.replace(probes, outputs={}), folder))
        replay = {new_name: dataclasses.asdict(run.at(len(run) - 1).replay())}
        files.write(os.path.join(folder, run_paths.REPLAYS), json.dumps(replay, indent=1).encode())
        files.write(sample_path(run_dir, new_name), png(made.slice.facts.objective.example(probes)))
        ledger.checked(run.bank).write(run_dir)
        if config:
            flagfile.save(config.having_learned(run.bank.names))
    return made


def _check(run: Run, name: str) -> None:
    """Raises ValueError for a task that can't be compressed."""
    facts, first = run[name].facts, run.bank.slice(0)
    if not facts.method.compressible:
        raise ValueError(
            "Only a task that has the first task's layers, and that no later task changes, can be compressed. "
            f"Received: {name!r}, learned by --method={name_in(METHODS, facts.method)}"
        )
    channels = facts.architecture.inputs, facts.architecture.outputs
    if name == first.name or not facts.architecture.is_same(first.facts.architecture.with_channels(*channels)):
        raise ValueError(
            f"Only a later task whose network has the shape of the first task's, {first.name!r}, can be compressed. "
            f"Received: {name!r}"
        )

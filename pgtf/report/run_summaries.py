"""TensorBoard summaries of a run: settings, averages, stored bytes, and the report's plots."""

import glob
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from pgtf.foundation import files
from pgtf.foundation.settings import as_text
from pgtf.metrics.matrix import Matrix, metric
from pgtf.report import plots
from pgtf.report.content import ReportedRun
from pgtf.storage import run_paths

EVENTS = ".report"  # The ending of a file of its own, which is replaced.


def write_run_summaries(run: ReportedRun, settings: Mapping[str, Any]) -> None:
    """Writes report/… at step = number of learned tasks, and hyperparameters for the HParams plugin.

    Args:
      run: The content of the report.
      settings: {setting: value} of the run.
    """
    folder, step = files.inside(run.folder, run_paths.TENSORBOARD), len(run.learned)
    for path in glob.glob(os.path.join(glob.escape(folder), f"events.*{EVENTS}")):
        os.unlink(path)
    writer = tf.summary.create_file_writer(folder, filename_suffix=EVENTS)
    with writer.as_default(step):
        hparams.hparams(_distinguishing(settings), trial_id=run.folder)
        tf.summary.scalar("report/stored MB", run.stored_bytes / 1e6)
        sizes = [[task.stored_bytes for task in run.learned], [task.full_bytes for task in run.learned]]
        _image("report/stored", plots.stored([task.name for task in run.learned], *sizes))
        if run.measured:
            _figures(run.measured.matrix)
    writer.close()


def _figures(matrix: Matrix) -> None:
    for name in matrix.values:
        average = matrix.average(name)
        if average is not None:
            tf.summary.scalar(f"report/average {name}", average)
        row = metric(name)
        _image(f"report/{name}", plots.heat_map(matrix.array(name), matrix.tasks, row.sign, row.bounds))


def _image(title: str, figure: Any) -> None:
    tf.summary.image(title, plots.png(figure)[np.newaxis])


def _distinguishing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that distinguish runs, as hyperparameters."""
    where = ("run_dir", "data_dir")
    return {
        name: value if isinstance(value, (bool, int, float, str)) else as_text(value)
        for name, value in settings.items()
        if name not in where
    }

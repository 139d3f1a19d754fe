"""Export of a matrix to TensorBoard."""

import glob
import os

import tensorflow as tf

from pgtf.metrics.matrix import Matrix

SUFFIX = ".evaluation"  # Suffix of the event file, which is replaced.


def write_matrix_summaries(matrix: Matrix, folder: str) -> None:
    """Writes evaluation/METRIC/TASK at step = number of learned tasks. Replaces earlier values."""
    for path in glob.glob(os.path.join(glob.escape(folder), f"events.*{SUFFIX}")):
        os.unlink(path)
    writer = tf.summary.create_file_writer(folder, filename_suffix=SUFFIX)
    with writer.as_default():
        for name, rows in matrix.values.items():
            for task, row in zip(matrix.tasks, rows):
                for index, value in enumerate(row):
                    if value is not None:
                        tf.summary.scalar(f"evaluation/{name}/{task}", value, step=index + 1)
    writer.close()

"""Test-wide set-up."""

import gc

import tensorflow as tf
from absl import flags

# tf.test.TestCase asks absl for a temporary folder, and pytest parses no absl flags.
flags.FLAGS.mark_as_parsed()

# Rewriting a graph takes a fifth of a tiny run, and pays in none. Tests that start scripts run with what users have.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_collection_finish():
    """What is imported stays: no collection of garbage looks at it again.

    Graphs are millions of objects that stay for a while, too: looking for garbage among them is a sixth of their time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)

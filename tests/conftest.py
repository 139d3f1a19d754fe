"""Test-wide set-up."""

import gc
import os

import pytest

# Numbers of threads, as TensorFlow and NumPy read them at import.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def pytest_configure(config):
    """Sets TensorFlow up for tests; not in a process that only hands them out to others."""
    is_one_of_many = hasattr(config, "workerinput")
    if is_one_of_many or not config.getoption("numprocesses", None):
        _set_up(one_thread=is_one_of_many and "not long" in config.option.markexpr)


def _set_up(one_thread):
    # `make test` has as many processes as cores, so a second thread in each takes a core from another one. The long
    # tests and those on the current TensorFlow have as many threads as users have.
    if one_thread:
        os.environ.update(dict.fromkeys(THREADS, "1"))

    from absl import flags
    from tensorflow.python.framework import random_seed

    from pgtf.cli.messages import show_messages
    from tests.known_shapes import compute_known_shapes
    from tests.processes import keep_graphs

    # tf.test.TestCase asks absl for a temporary folder, and pytest parses no absl flags.
    flags.FLAGS.mark_as_parsed()

    keep_graphs()
    compute_known_shapes()
    show_messages()  # As the command line does, so that tests see them.

    # Waiting until each file is on the disk is a twentieth of a tiny run, and no test cuts the power.
    os.fsync = lambda descriptor: None

    # tf.test.TestCase sets this seed before each test, at which TensorFlow forgets all kernels. Making them anew is a
    # third of a small test, and here all that is drawn has a seed of its own.
    real = random_seed.set_random_seed
    random_seed.set_random_seed = lambda seed: None if seed == random_seed.DEFAULT_GRAPH_SEED else real(seed)


@pytest.fixture(scope="module")
def step_by_step():
    """Nothing is traced: for runs of a few steps, which take longer to trace than to take."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def pytest_itemcollected(item):
    """Marks cases of a parametrized test as long by their names: `test_a_run_cpg_long`."""
    if item.name.endswith("_long"):
        item.add_marker("long")


def pytest_collection_finish():
    """Excludes imported objects from garbage collection.

    Graphs are millions of objects that stay for a while, too: looking for garbage among them is a sixth of their time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)

"""pgtf: many image-to-image translations from one network.

street = pgtf.load("runs/paired")["cityscapes"](labels)  # uint8 [h, w, 3] of any size
"""

__version__ = "0.1.0"


def load(run_dir):
    """The learnt tasks of a run directory, by name; no flag to remember."""
    from pgtf.run import Run  # TensorFlow takes seconds to import; a version takes none.

    return Run(run_dir)

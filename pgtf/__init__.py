"""pgtf: many image-to-image translations from one network.

street = pgtf.load("runs/paired")["cityscapes"](labels)  # uint8 [h, w, 3] of any size
"""

import os
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "load"]

# What TensorFlow prints about the machine is for its makers; its errors come as exceptions. Before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if TYPE_CHECKING:
    from pgtf.runs.directory import Run


def load(run_dir: str) -> "Run":
    """The learnt tasks of a run directory, or of a file that pack.py wrote, by name; no flag to remember.

    Args:
      run_dir: Where it lies.

    Returns:
      A Run; run["maps"] is a function of images.
    """
    from pgtf.runs.directory import Run  # TensorFlow takes seconds to import; a version takes none.
    from pgtf.runs.packing import unpacked

    return unpacked(run_dir) if os.path.isfile(run_dir) else Run(run_dir)

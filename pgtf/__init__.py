"""pgtf: many image-to-image translations from one network.

street = pgtf.load("runs/paired")["cityscapes"](labels)  # uint8 [h, w, 3] of any size
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pgtf.runs.directory import Run


def load(run_dir: str) -> "Run":
    """The learnt tasks of a run directory, by name; no flag to remember.

    Args:
      run_dir: Where it lies.

    Returns:
      A Run; run["maps"] is a function of images.
    """
    from pgtf.runs.directory import Run  # TensorFlow takes seconds to import; a version takes none.

    return Run(run_dir)

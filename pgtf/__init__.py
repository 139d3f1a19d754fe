"""pgtf: many image-to-image translations from one network.

street = pgtf.load("runs/paired")["cityscapes"](labels)  # uint8 [h, w, 3] of any size
layer = pgtf.PiggybackConv2D(64, 3, bank=(3, 3, 32, 128))  # a Keras layer for a network of your own
"""

import os
from typing import TYPE_CHECKING

from pgtf.foundation import lazy
from pgtf.foundation.version import __version__

__all__ = ["PiggybackConv2D", "PiggybackConv2DTranspose", "__version__", "load"]
__getattr__ = lazy.names(__name__, {"PiggybackConv2D": "layers.conv", "PiggybackConv2DTranspose": "layers.conv"})

# What TensorFlow prints about the machine is for its makers; its errors come as exceptions. Before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if TYPE_CHECKING:
    from pgtf.runs.run import Run


def load(run_dir: str) -> "Run":
    """Opens a run directory, or a file that `pgtf pack` wrote. No flag is needed.

    Args:
      run_dir: The directory or file. samples/NAME.safetensors names a packaged one, if there is none here.

    Returns:
      A Run; run["maps"] is a function of images.
    """
    from pgtf.foundation import quiet
    from pgtf.foundation.packaged import packaged

    quiet.import_tensorflow()  # Here, because it takes seconds.
    from pgtf.runs.pack import load

    return load(packaged(run_dir, "samples"))

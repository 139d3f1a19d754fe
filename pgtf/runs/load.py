"""Opens runs and packs."""

import os

from pgtf.runs.pack import unpacked
from pgtf.runs.run import Run


def load(path: str) -> Run:
    """Opens a run directory, or a file that `pgtf pack` wrote."""
    return unpacked(path) if os.path.isfile(path) else Run(path)

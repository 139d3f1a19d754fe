"""Finds files that the package brings along: settings in flags/, and a pack and images to try it on in samples/."""

import os

PACKAGE = os.path.dirname(os.path.dirname(__file__))


def packaged(path: str, folder: str) -> str:
    """Returns the path in the package if it names a file of this folder of the package and nothing that is here.

    Args:
      path: A path, as a user gives it. Any other one is returned as it is.
      folder: `flags` or `samples`.
    """
    found = os.path.join(PACKAGE, path)
    return found if path.startswith(f"{folder}/") and not os.path.exists(path) and os.path.isfile(found) else path

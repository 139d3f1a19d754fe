"""Lazy imports: a package's names load their modules when first used.

TensorFlow takes seconds to import, and flags and facts do not need it.
"""

import importlib
from typing import Any, Callable


def names(package: str, homes: dict[str, str]) -> Callable[[str], Any]:
    """Returns a `__getattr__` for a package that imports each name when it is first used.

    Args:
      package: The package's `__name__`.
      homes: {name: module of the package that defines it}.
    """

    def getattr_of_package(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return getattr_of_package

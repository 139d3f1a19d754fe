"""Names that are imported when first used: TensorFlow takes seconds to import, and flags and facts need none of it."""

import importlib
from typing import Any, Callable


def names(package: str, homes: dict[str, str]) -> Callable[[str], Any]:
    """A package's `__getattr__`; homes: {name: the module of the package that defines it}."""

    def getattr_of_package(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return getattr_of_package

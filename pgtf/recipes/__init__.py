"""Ways of making a kernel."""

from pgtf import lazy

__all__ = ["Full", "Mask", "Piggyback", "Recipe", "Spec", "unconstrained_filters"]
__getattr__ = lazy.names(
    __name__,
    {
        "Full": "full",
        "Mask": "mask",
        "Piggyback": "piggyback",
        "Recipe": "base",
        "Spec": "base",
        "unconstrained_filters": "piggyback",
    },
)

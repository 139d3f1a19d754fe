"""Recipes: each makes a convolution kernel from its variables."""

from pgtf.foundation import lazy

__all__ = [
    "Delta",
    "Expanded",
    "Full",
    "Lora",
    "LowRank",
    "Mask",
    "Modulated",
    "Packed",
    "PartlyFree",
    "Picked",
    "Piggyback",
    "Recipe",
    "Spec",
    "unconstrained_filters",
]
__getattr__ = lazy.names(
    __name__,
    {
        "Delta": "delta",
        "Expanded": "expanded",
        "Full": "full",
        "Lora": "low_rank",
        "LowRank": "low_rank",
        "Mask": "mask",
        "Modulated": "modulated",
        "Packed": "packed",
        "PartlyFree": "partly_free",
        "Picked": "picked",
        "Piggyback": "piggyback",
        "Recipe": "base",
        "Spec": "specs",
        "unconstrained_filters": "specs",
    },
)

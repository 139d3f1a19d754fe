"""Keras layers whose kernels are made, the few that Keras lacks, and the maker of a network's layers."""

from pgtf import lazy

__all__ = [
    "Conv2D",
    "Conv2DTranspose",
    "Dropout",
    "InstanceNormalization",
    "Laterals",
    "Maker",
    "PiggybackConv2D",
    "PiggybackConv2DTranspose",
    "Place",
    "ReflectionPadding2D",
    "begin_as",
    "columns",
    "folded",
    "lent",
    "made_kernels",
    "planned_columns",
    "rates",
    "restore",
    "state",
]
__getattr__ = lazy.names(
    __name__,
    {
        "Conv2D": "conv",
        "Conv2DTranspose": "conv",
        "Dropout": "dropout",
        "InstanceNormalization": "norm",
        "Laterals": "laterals",
        "Maker": "maker",
        "PiggybackConv2D": "conv",
        "PiggybackConv2DTranspose": "conv",
        "Place": "maker",
        "ReflectionPadding2D": "padding",
        "begin_as": "network_state",
        "columns": "laterals",
        "folded": "folding",
        "lent": "network_state",
        "made_kernels": "network_state",
        "planned_columns": "laterals",
        "rates": "network_state",
        "restore": "network_state",
        "state": "network_state",
    },
)

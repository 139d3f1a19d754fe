"""Settings that the paper does not have: every method at several sizes, and attempts to improve on Full."""

from collections.abc import Mapping
from typing import Any

Variants = Mapping[str, Mapping[str, Any]]  # {title: flags of `pgtf train`}

_AVERAGED = {"ema": 0.999}
_STORED = {**_AVERAGED, "slice_precision": "int8"}
_QUICK = {"equal_steps": True, "start": "random"}
# Handbags on a white background do not resemble an earlier task.
_STARTS = {"start": "previous_task", "override": "edges2handbags:start=random"}


def better(outer: int) -> Variants:
    """Returns the settings that were tried to improve on Full. outer: Largest number of values of an outer kernel."""
    free = {"method": "piggyback", "free_up_to": outer, "unconstrained_ratio": 0.125}
    return {
        "Full": {"method": "full"},
        "Full, EMA": {"method": "full", **_AVERAGED},
        "Piggyback GAN": {"method": "piggyback"},
        "piggyback, ¼, int8": {"method": "piggyback", "slice_precision": "int8"},
        "piggyback, ¼, equal steps, EMA, int8": {"method": "piggyback", "equal_steps": True, **_STORED},
        "piggyback, ¼, equal steps, random, EMA, int8": {"method": "piggyback", **_QUICK, **_STORED},
        "outer free": free,
        "outer free, EMA": {**free, **_AVERAGED},
        "outer free, EMA, int8": {**free, **_STORED},
        "outer free, EMA, previous": {**free, **_AVERAGED, "start": "previous_task"},
        "outer free, EMA, chosen start": {**free, **_AVERAGED, **_STARTS},
        "outer free, EMA, chosen start, int8": {**free, **_STORED, **_STARTS},
    }


def frontier(outer: int) -> Variants:
    """Returns the settings of the frontier beside the paper's. outer: As in `better`."""
    tried = better(outer)
    return {
        "low-rank, 4": {"method": "low_rank", "rank": 4},
        "low-rank, 16": {"method": "low_rank", "rank": 16},
        "low-rank, 16, EMA, int8": {"method": "low_rank", "rank": 16, **_STORED},
        "mask, ternary": {"method": "mask", "mask": "ternary"},
        "modulated": {"method": "modulated"},
        "width-wise, 0.1": {"method": "width_wise", "learn_ratio": 0.1},
        "width-wise, 0.25": {"method": "width_wise", "learn_ratio": 0.25},
        "layer-wise, 0.25": {"method": "layer_wise", "learn_ratio": 0.25},
        "PackNet": {"method": "packnet"},
        "CPG": {"method": "cpg"},
        "piggyback, ¼, float16": {"method": "piggyback", "slice_precision": "float16"},
        "piggyback, ¼, int8": tried["piggyback, ¼, int8"],
        "Full, EMA": tried["Full, EMA"],
        **{title: flags for title, flags in tried.items() if title.startswith("outer")},
    }

"""Tables 1 and 2 of width-wise sharing (Webster et al., ICIP 2022), small: a StyleGAN2 that learns further domains.

Table 1 transfers a generator to a near and to a far domain. Table 2 trains several domains jointly. On drawn images,
the default, the domains are faces and cats. Those show only that it works.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from pgtf.experiments.paper import published_results
from pgtf.experiments.paper.experiment import Experiment, experiment_of
from pgtf.experiments.paper.presets import Preset
from pgtf.experiments.paper.tables import Column, Row, Table, distance, kernel_distance, later_share, thousand

DRAWN = "faces", "cats"
DOMAINS = "faces", "cats", "flowers"  # The first one, a near one and a far one.
_INT8 = {"slice_precision": "int8"}
_LAYER_WISE = {  # Layers that the paper chooses for a share of a network; at other sizes they have another share.
    "layer-wise, 10 %": {"method": "layered", "layers": "mapping[1-4]:free,conv4*:free,*:frozen"},
    "layer-wise, 1 %": {"method": "layered", "layers": "mapping[12]:free,*:frozen"},
}
_WIDTH_WISE = {
    "width-wise, 10 %": {"method": "width_wise", "learn_ratio": 0.1},
    "width-wise, 1 %": {"method": "width_wise", "learn_ratio": 0.01},
}
TRANSFER: dict[str, dict[str, Any]] = {
    "fully trainable": {"method": "piggyback", "borrow_from": "first", "unconstrained_ratio": 1.0},
    "MineGAN": {"method": "minegan"},
    **_LAYER_WISE,
    **_WIDTH_WISE,
    "low rank 8, int8": {"method": "low_rank", "rank": 8, **_INT8},
    "LoRA 1, int8": {"method": "lora", "rank": 1, **_INT8},
}
JOINT: dict[str, dict[str, Any]] = {
    **_LAYER_WISE,
    "StarGAN v2: mapping only": {"method": "mapping_only"},
    **_WIDTH_WISE,
}


def tables(preset: Preset, seeds: Sequence[int], drawn: bool) -> dict[str, Table]:
    """Builds the tables, by name; empty if the preset has none. drawn: Whether their images are drawn."""
    if not preset.generated:
        return {}
    make = functools.partial(_row, preset, tuple(seeds), DRAWN if drawn else DOMAINS)
    transfer = [make(title, own, paper=published_results.WIDTH_1.get(title)) for title, own in TRANSFER.items()]
    joint = [make(title, own, together=True) for title, own in JOINT.items()]
    names = {task: f"{task}, {place}" for task, place in zip(DOMAINS, ("first", "near domain", "far domain"))}
    domains = DRAWN if drawn else DOMAINS
    return {
        "width-1": Table("Width-wise, table 1: transfer to another domain", _columns(domains[1:], names), (*transfer,)),
        "width-2": Table(
            "Width-wise, table 2: domains trained jointly", _columns(domains, dict(zip(domains, domains))), (*joint,)
        ),
    }


def _columns(domains: Sequence[str], names: Mapping[str, str]) -> tuple[Column, ...]:
    """Builds the columns: the distances of each domain, and the share of a network that a later one stores."""
    shown = [
        column
        for task in domains
        for column in (
            Column(f"FID of {names[task]}", functools.partial(distance, task=task), 4),
            Column(f"KID × 1000 of {names[task]}", functools.partial(_kernel_distance, task=task)),
        )
    ]
    return (*shown, Column("a later domain stores, %", lambda found: 100 * later_share(found)))


def _kernel_distance(found: Any, task: str) -> float | None:
    return thousand(kernel_distance(found, task))


def _row(
    preset: Preset,
    seeds: tuple[int, ...],
    domains: tuple[str, ...],
    title: str,
    own: Mapping[str, Any],
    *,
    together: bool = False,
    paper: Mapping[str, float] | None = None,
) -> Row:
    """Builds a row of an experiment for each seed. All distances are to the training images, as in the paper.

    together: Whether the domains are trained jointly. Default: they are learned after the first one, which all rows
      share.
    """
    given = {**preset.generated, **own, **({"schedule": "together"} if together else {})}
    experiments = [
        experiment_of(domains, given, seed, None if together else _first(preset, domains, seed)).on("train")
        for seed in seeds
    ]
    return Row(title, tuple(experiments), dict(paper or {}))


def _first(preset: Preset, domains: tuple[str, ...], seed: int) -> Experiment:
    """Returns the experiment that learns the first domain."""
    return experiment_of(domains[:1], {**preset.generated, **preset.generated_first, "method": "full"}, seed)

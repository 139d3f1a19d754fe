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
REFERENCE = "width-wise, 1 %"  # The row that others are compared with, image by image.
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
    domains = DRAWN if drawn else DOMAINS
    make = functools.partial(_row, preset, tuple(seeds), domains)
    transfer = [make(title, own, paper=published_results.WIDTH_1.get(title)) for title, own in TRANSFER.items()]
    joint = [make(title, own, together=True) for title, own in JOINT.items()]
    later = {task: f"{task}, {place} domain" for task, place in zip(domains[1:], ("near", "far"))}
    return {
        "width-1": Table(
            "Width-wise, table 1: transfer to another domain", _columns(later), (*transfer,), reference=REFERENCE
        ),
        "width-2": Table(
            "Width-wise, table 2: domains trained jointly",
            _columns(dict(zip(domains, domains))),
            (*joint,),
            reference=REFERENCE,
        ),
    }


def _columns(titles: Mapping[str, str]) -> tuple[Column, ...]:
    """Builds the columns of {domain: title}: their distances, and the share of a network that a later one stores."""
    shown = [column for task, title in titles.items() for column in _distances(task, title)]
    return (*shown, Column("a later domain stores, %", lambda found: 100 * later_share(found)))


def _distances(task: str, title: str) -> tuple[Column, ...]:
    return (
        Column(f"FID of {title}", lambda found: distance(found, task), 4),
        Column(f"KID × 1000 of {title}", lambda found: thousand(kernel_distance(found, task))),
    )


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
    """Builds a row of an experiment for each seed. All distances are to the training images.

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

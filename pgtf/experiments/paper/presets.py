"""Presets for the tables: the paper's setting, for GPUs; a small one, for two CPU cores; the fair comparison."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

PAIRED = ("cityscapes", "maps", "facades", "edges2handbags")
STYLES = ("photo2monet", "photo2ukiyoe")


@dataclasses.dataclass(frozen=True)
class Preset:
    """The settings of all runs.

    Attributes:
      paired, unpaired: The flags of every run of paired and of unpaired tasks.
      outer: Value of --free_up_to. It frees the same layers as --free_outer=4 at this width. Results are named by a
        hash of their flags, so the old flag stays.
      pace: Estimated steps per second, for each of `experiment.KINDS`.
      first: Flags of first tasks that differ from those of later tasks.
      first_seed: Seed of the first task. Default: each seed has its own first task.
      title: Title of the page.
      labelled: The flags of every run of classifiers on a backbone.
      labelled_small: The same for CPG's network at 32 px.
      generated: The flags of every run of generated images.
      generated_first: Flags of their first domain that differ from those of later ones.
    """

    name: str
    meaning: str
    paired: dict[str, Any]
    unpaired: dict[str, Any]
    outer: int
    pace: tuple[float, float, float, float]
    first: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    first_seed: int | None = None
    title: str = "The papers' tables, redone"
    labelled: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    labelled_small: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    generated: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    generated_first: Mapping[str, Any] = dataclasses.field(default_factory=dict)


_SMALL = {
    "image_size": 64,
    "load_size": 72,
    "width": 32,
    "discriminator_width": 32,
    "discriminator_layers": 2,
    "batch_size": 4,
}
_HELD_OUT = {"validation": 0.1, "ema": 0.999}
_LABELLED = {
    "objective": "classification",
    "network": "resnet18",
    "stages": 3,
    "norm": "batch",
    "input_values": "imagenet",
    "width": 64,
    "image_size": 64,
    "load_size": 72,
    "solver": "adam",
    "learning_rate": 3e-4,
    "head_learning_rate": 0.03,
    "weight_decay": 0.0,
    "mask_learning_rate": 3e-4,
}
_SLOW = {"learning_rate": 1e-4, "head_learning_rate": 1e-3, "mask_learning_rate": 1e-4}
_VGG = {
    "objective": "classification",
    "network": "vgg16",
    "norm": "batch",
    "image_size": 32,
    "padding": 4,
    "batch_size": 32,
    "solver": "sgd",
    "learning_rate": 0.01,
    "weight_decay": 4e-5,
}
_GENERATED = {
    "objective": "unconditional",
    "network": "stylegan2",
    "norm": "none",
    "mapping_layers": 8,
    "batch_size": 16,
    "learning_rate": 0.002,
    "decay_from": 1.0,
}
_GENERATED_SMALL = {
    **_GENERATED,
    "image_size": 32,
    "load_size": 32,
    "width": 16,
    "narrow_from": 8,
    "discriminator_width": 16,
    "r1_weight": 0.02,
    "ema": 0.995,
}
_CYCLES = {"objective": "cyclegan", "network": "resnet"}

PRESETS = {
    "mini": Preset(
        "mini",
        "64 px, width 32, batch 4, 2000 steps per task at a learning rate of 4e-3; unpaired: width 16, 3 blocks, "
        "1200 steps at 2e-3; classifiers: 64 px, batch 16, 150 steps per task, Adam, the last layer at 0.03; "
        "generated: 32 px, width 16, batch 16, 6000 steps for the first domain, 1000 for each later one",
        {**_SMALL, "steps": 2000, "learning_rate": 4e-3},
        {**_SMALL, **_CYCLES, "width": 16, "blocks": 3, "steps": 1200, "learning_rate": 2e-3},
        outer=530_000,
        pace=(8.0, 3.0, 1.0, 2.5),
        labelled={**_LABELLED, "batch_size": 16, "steps": 150},
        labelled_small={**_VGG, "width": 16, "steps": 400, "mask_learning_rate": 1e-3},
        generated={**_GENERATED_SMALL, "steps": 1000},
        generated_first={"steps": 6000},
    ),
    "fair": Preset(
        "fair",
        "64 px, width 32, batch 4, moving average of weights 0.999, a tenth of the training images held out; later "
        "tasks start from one first task of 8000 steps at a learning rate of 2e-3",
        {**_SMALL, **_HELD_OUT, "steps": 2000, "learning_rate": 4e-3},
        {**_SMALL, **_CYCLES, **_HELD_OUT, "width": 16, "blocks": 3, "steps": 1200, "learning_rate": 2e-3},
        outer=530_000,
        pace=(4.0, 2.0, 1.0, 2.0),
        first={"steps": 8000, "learning_rate": 2e-3},
        first_seed=0,
        title="Small later tasks, compared with a full network for each",
    ),
    "paper": Preset(
        "paper",
        "the paper's setting: 256 px, width 64, batch 1, 200 epochs per task",
        {"image_size": 256, "width": 64, "batch_size": 1, "epochs": 200},
        {**_CYCLES, "image_size": 256, "width": 64, "batch_size": 1, "epochs": 200},
        outer=2_100_000,
        pace=(20.0, 8.0, 20.0, 8.0),
        labelled={**_LABELLED, "batch_size": 32, "epochs": 30, **_SLOW},
        labelled_small={**_VGG, "width": 64, "epochs": 100},
        generated={
            **_GENERATED,
            "image_size": 256,
            "load_size": 256,
            "width": 64,
            "r1_weight": 0.8,
            "ema": 0.999,
            "steps": 100_000,
        },
        generated_first={"steps": 600_000},
    ),
}

"""Facts of a task stored in its slice: all that is needed to rebuild its networks, and how it was learned."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Optional

from pgtf.config import EARLIER_NAMES
from pgtf.data.manifest import check_summary, split_of
from pgtf.data.pixels import RGB, Pixels, of_json
from pgtf.foundation import settings, task_names
from pgtf.methods import METHODS, Method, WeightOwnership
from pgtf.networks import Architecture
from pgtf.objectives import OBJECTIVES, Objective

# Entries of `training` of a compressed task: its budget, and in words the method that it was learned by.
COMPRESS_TO, COMPRESSED_FROM = "compress_to", "compressed_from"


@dataclasses.dataclass(frozen=True)
class Facts:
    """The facts of one learned task.

    Attributes:
      full_values: Number of values that its networks would store if every kernel were free.
      training: {setting: value} that it was learned with.
      data: Folder of its images, or "drawn".
      images: Summary of each split: number of images, and the hash of their names and sizes.
      load_size: (height, width) that images were resized to before the crop.
      skipped_images: Number of images that were left out as unreadable.
      learnt: Time when it was learned, ISO 8601.
      probes_sha256: Hash of the file of its probes.
      probes_split: Split of its probes: test, val, train (the task learned from them) or validation. Empty in older
        slices.
      learnt_as: The task's name when it was learned, if it was renamed since.
      shares: Ownership of the weights of its kernels, for methods whose tasks share kernels.
      unrecorded: Settings of the method that a slice of format 1 does not record.
      pixels: {"input": …, "target": …}, the fields of their `Pixels`; empty if both are RGB.
    """

    architecture: Architecture
    method: Method
    objective: Objective
    full_values: int = 0
    steps: int = 0
    seed: int = 0
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    data: str = ""
    images: dict[str, Any] = dataclasses.field(default_factory=dict)
    direction: str = "AtoB"
    load_size: tuple[int, int] = (0, 0)
    skipped_images: int = 0
    learnt: str = ""
    probes_sha256: str = ""
    probes_split: str = ""
    learnt_as: str = ""
    shares: Optional[WeightOwnership] = None
    unrecorded: tuple[str, ...] = ()
    pixels: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        settings.check_types(self)
        check_summary(self.images)
        if self.learnt_as and not task_names.is_name(self.learnt_as):
            raise ValueError(f"Tasks must have {task_names.RULE}. Received: {self.learnt_as!r}")

        of_pixels = (self.input_pixels.channels, self.target_pixels.channels)
        of_networks = (self.architecture.inputs, self.architecture.outputs)
        if (self.pixels or of_networks[0] != 3) and of_pixels != of_networks:
            raise ValueError(
                f"The networks must have the images' channels. Received: {of_networks}, where images have {of_pixels}"
            )

    @property
    def input_pixels(self) -> Pixels:
        """The channels, the type and the range of inputs."""
        return of_json(self.pixels["input"]) if self.pixels else RGB

    @property
    def target_pixels(self) -> Pixels:
        """The channels, the type and the range of targets, and so of outputs."""
        return of_json(self.pixels["target"]) if self.pixels else RGB

    def check_probes(self, inputs: dict[str, Any], targets: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Raises ValueError if recorded probes do not fit the inputs and outputs of the task's networks."""
        self.objective.check_probes(inputs, targets, outputs)
        for prefix, values in [] if self.pixels else [*inputs.items(), *targets.items()]:
            if values.ndim == 4 and values.dtype != "uint8":  # Images without recorded pixels are RGB in 8 bits.
                raise ValueError(f"{prefix}: {values.dtype} {list(values.shape)}")

    def pixels_of(self, prefix: str) -> tuple[Pixels, Pixels]:
        """Returns the pixels of one network's inputs and outputs."""
        both = self.input_pixels, self.target_pixels
        return both[::-1] if prefix == "backward" else both

    @property
    def compressed(self) -> str:
        """Description of the compression of a task that was compressed after training; else empty."""
        learned = self.training.get(COMPRESSED_FROM)
        return f"to {self.training.get(COMPRESS_TO)}, learned by {learned}" if learned else ""

    @property
    def shown_split(self) -> str:
        """The split of the probes: `probes_split`, or `test_split` for older slices."""
        return self.probes_split or self.test_split

    @property
    def test_split(self) -> str:
        """The split used as "test": test, val, or train if there was neither."""
        tested: dict[str, Any] = next((facts for name, facts in self.images.items() if name.startswith("test")), {})
        return split_of(str(tested.get("folder", "test")))

    @property
    def generators(self) -> tuple[str, ...]:
        """The names of the networks that the task keeps."""
        return tuple(self.objective.networks)

    @property
    def ways(self) -> str:
        """The direction of translation as text: AtoB, BtoA or both ways."""
        return self.direction if len(self.generators) == 1 else "both ways"

    def refuse_another(self, shape: Architecture, method: Method, objective: Objective, run_dir: str) -> None:
        """Raises ValueError if a task is not of the same kind as this one, which run_dir has learned.

        Args:
          shape, method, objective: The task's. Settings of a method that may change don't matter, nor do those of an
            objective.
          run_dir: For the error.
        """
        unrecorded = {name: getattr(method, name) for name in self.unrecorded if hasattr(method, name)}
        mine = dataclasses.replace(self.method, **unrecorded)
        if objective.own_outputs or not method.fixed_channels:  # They follow from a task's data.
            shape = shape.with_channels(self.architecture.inputs, self.architecture.outputs)
        for what, same, was, now in (
            ("objective", self.generators == tuple(objective.networks), self.generators, tuple(objective.networks)),
            ("networks", self.architecture.is_same(shape), self.architecture, shape),
            ("method", settings.agree(mine, method), mine, method),
        ):
            if not same:
                raise ValueError(
                    f"A run can't change its {what}. Choose another --run_dir. "
                    f"Received: {now}, where {run_dir} has {was}"
                )

    def refuse_other_settings(self, task: str, requested: Mapping[str, Any]) -> None:
        """Raises ValueError if settings contradict the recorded ones of this task.

        Args:
          task: The task's name.
          requested: {setting: value}.
        """
        inner = {**dataclasses.asdict(self.objective), **dataclasses.asdict(self.method)} if self.training else {}
        training = {EARLIER_NAMES.get(name, name): value for name, value in self.training.items()}
        recorded = {"seed": self.seed, **inner, **training}
        others = [name for name, value in requested.items() if recorded.get(name, value) != value]
        if others:
            raise ValueError(
                "A learned task can't change its settings. Choose another --run_dir. Received: "
                + ", ".join(f"{name}={requested[name]}" for name in others)
                + f" for {task}, whose slice has "
                + ", ".join(f"{name}={recorded[name]}" for name in others)
            )

    def as_json(self) -> dict[str, Any]:
        """Returns the facts as data for JSON."""
        known = [field.name for field in dataclasses.fields(self) if field.name != "unrecorded"]
        newer = ("probes_split", "learnt_as", "pixels")  # Left out where they are empty, as in older slices.
        plain = {name: getattr(self, name) for name in known if name not in newer or getattr(self, name)}
        return {
            **plain,
            "architecture": self.architecture.as_json(),
            "method": settings.as_facts(settings.name_in(METHODS, self.method), self.method),
            "shares": dataclasses.asdict(self.shares) if self.shares else None,
            "objective": settings.as_facts(settings.name_in(OBJECTIVES, self.objective), self.objective),
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Facts":
        """Builds the facts from the result of `as_json`."""
        return cls(
            **{
                **plain,
                "architecture": Architecture.from_json(plain["architecture"]),
                "method": settings.from_facts(METHODS, plain["method"]),
                "objective": settings.from_facts(OBJECTIVES, plain["objective"]),
                "load_size": tuple(plain.get("load_size", (0, 0))),
                "shares": WeightOwnership(**plain["shares"]) if plain.get("shares") else None,
            }
        )


def of_format_1(plain: dict[str, Any]) -> dict[str, Any]:
    """Converts the facts of a slice of format 1 to JSON of format 2."""
    old, both_ways = plain["architecture"], len(plain["prefixes"]) > 1
    architecture = {key: old[key] for key in ("network", "norm", "upsampling", "blocks", "outputs")}
    architecture["dropout"] = not both_ways  # CycleGAN dropped out then, on a U-Net, and does no longer.
    if old["upsampling"] == "resize" and old["network"] == "unet":  # A ResNet's kernels are odd.
        architecture["upsampling"] = "resize_even"
    method, mixes = {"name": plain["method"]}, plain["method"] in ("piggyback", "factorized")
    if mixes:
        method["share_bank"] = bool(plain["borrows_from"])
    if plain["method"] == "piggyback":
        method["unconstrained_ratio"] = plain["unconstrained_ratio"]
    kept = ("steps", "seed", "data", "direction", "load_size", "skipped_images", "learnt", "probes_sha256", "learnt_as")
    return {
        **{key: plain[key] for key in kept if key in plain},
        "architecture": {**architecture, "size": [old["height"], old["width"]], "width": old["filters"]},
        "method": method,
        "objective": {"name": "cyclegan" if both_ways else "pix2pix"},
        "unrecorded": ("start",) if mixes else (),
    }

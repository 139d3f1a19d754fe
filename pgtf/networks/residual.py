"""ResNet-18 and ResNet-50 (He et al., 2016), with torchvision's layers: the stride is that of the 3 × 3 convolution."""

import dataclasses
from typing import ClassVar

from pgtf.foundation.settings import setting
from pgtf.networks.classifier import ClassifierNetwork, padded

IMAGENET_FROM = 64  # Pixels. Smaller images keep their size in the stem, as in the papers' networks for CIFAR.


@dataclasses.dataclass(frozen=True)
class Residual(ClassifierNetwork):
    """Base class of ResNets. From 64 px on the stem quarters an image (7 × 7, max pool); else it is a 3 × 3.

    Attributes:
      blocks_of: Number of blocks of each stage.
      expansion: Growth of the maps at the end of a bottleneck block; 1 for basic blocks.
      stages: Number of stages. Default: all four.
    """

    blocks_of: ClassVar[tuple[int, ...]]
    expansion: ClassVar[int] = 1
    stages: int = setting(4, "Stages, each of half the height and width.", least=1, most=4)

    @property
    def published_names(self):
        names = {"stem": "conv1", "stem_norm": "bn1", "scores": "fc"}
        for stage in range(1, self.stages + 1):
            for number in range(self.blocks_of[stage - 1]):
                own, theirs = f"stage{stage}_block{number + 1}", f"layer{stage}.{number}"
                for place, part in enumerate("abc", 1):
                    names.update({f"{own}{part}": f"{theirs}.conv{place}", f"{own}{part}_norm": f"{theirs}.bn{place}"})
                names.update({f"{own}_shortcut": f"{theirs}.downsample.0"})
                names.update({f"{own}_shortcut_norm": f"{theirs}.downsample.1"})
        return names

    def features(self, input, make, width):
        level = 1
        if min(self.size) >= IMAGENET_FROM:
            h = padded(make, input, "stem", width, 7, strides=2, level=1, normed=True)
            h = make.layers.ReLU()(make.norm("stem_norm")(h))
            h, level = make.layers.MaxPooling2D(3, 2)(make.layers.ZeroPadding2D(1)(h)), 3
        else:
            h = padded(make, input, "stem", width, 3, level=1, normed=True)
            h = make.layers.ReLU()(make.norm("stem_norm")(h))
        for stage in range(self.stages):
            for number in range(self.blocks_of[stage]):
                strides = 2 if stage and not number else 1
                h = self._block(make, h, f"stage{stage + 1}_block{number + 1}", 2**stage * width, strides, level)
                level += strides - 1
        return make.layers.GlobalAveragePooling2D()(h)

    def _block(self, make, h, name, filters, strides, level):
        inner = level + strides - 1
        # (name, filters, size, strides, level) of each convolution.
        parts = [("a", filters, 3, strides, level), ("b", filters, 3, 1, inner)]
        if self.expansion > 1:
            parts = [("a", filters, 1, 1, level), ("b", filters, 3, strides, level)]
            parts.append(("c", filters * self.expansion, 1, 1, inner))
        y = h
        for part, count, size, step, at in parts:
            y = padded(make, y, f"{name}{part}", count, size, strides=step, level=at, normed=True)
            y = make.norm(f"{name}{part}_norm")(y)
            if part != parts[-1][0]:
                y = make.layers.ReLU()(y)
        if strides > 1 or h.shape[-1] != y.shape[-1]:
            count = filters * self.expansion
            h = padded(make, h, f"{name}_shortcut", count, 1, strides=strides, level=level, normed=True)
            h = make.norm(f"{name}_shortcut_norm")(h)
        return make.layers.ReLU()(make.layers.Add()([h, y]))


@dataclasses.dataclass(frozen=True)
class ResNet18(Residual):
    """Two basic blocks a stage."""

    blocks_of = (2, 2, 2, 2)


@dataclasses.dataclass(frozen=True)
class ResNet50(Residual):
    """Three, four, six and three bottleneck blocks."""

    blocks_of = (3, 4, 6, 3)
    expansion = 4

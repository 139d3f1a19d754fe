"""VGG-16 (Simonyan and Zisserman, 2015): CPG's with batch norm at 32 px, ImageNet's without it at 224 px."""

import dataclasses

from pgtf.layers.dense import dense
from pgtf.networks.classifier import HEAD, ClassifierNetwork

CONVOLUTIONS = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # (filters of the width, convolutions) between halvings.


@dataclasses.dataclass(frozen=True)
class VGG16(ClassifierNetwork):
    """Thirteen 3 × 3 convolutions and two dense layers of 64 times the width.

    Attributes:
      dropout: Whether dense layers have dropout during training, if their map is larger than a pixel. Default: True.
    """

    least = 32
    dropout: bool = True

    @property
    def published_names(self):
        """{layer: its name in keras.applications}. torchvision flattens channels first: its dense kernels differ."""
        names = {"dense1": "fc1", "dense2": "fc2", HEAD: "predictions"}
        for level, (_, count) in enumerate(CONVOLUTIONS, 1):
            names.update({f"conv{level}_{number}": f"block{level}_conv{number}" for number in range(1, count + 1)})
        return names

    def features(self, input, make, width):
        h = input
        for level, (filters, count) in enumerate(CONVOLUTIONS, 1):
            for number in range(1, count + 1):
                name = f"conv{level}_{number}"
                h = make.conv(name, filters * width, 3, level=level, normed=True)(h)
                h = make.layers.ReLU()(make.norm(f"{name}_norm")(h))
            h = make.layers.MaxPooling2D(2)(h)
        pixels = (self.size[0] // 32) * (self.size[1] // 32)
        h = make.layers.Reshape((pixels * 8 * width,))(h)
        for name in ("dense1", "dense2"):
            h = make.layers.ReLU()(dense(make, name, 64 * width, level=6)(h))
            if self.dropout and pixels > 1:
                h = make.dropout(f"{name}_dropout", 0.5)(h)
        return h

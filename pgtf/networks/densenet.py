"""DenseNet-121 (Huang et al., 2017): each layer sees the maps of all earlier ones of its block."""

import dataclasses

from pgtf.networks.classifier import ClassifierNetwork, padded
from pgtf.networks.residual import IMAGENET_FROM

LAYERS = 6, 12, 24, 16  # Of each block.
BOTTLENECK = 4  # Filters of a layer's 1 × 1 convolution, over those of its 3 × 3.


@dataclasses.dataclass(frozen=True)
class DenseNet121(ClassifierNetwork):
    """Four dense blocks. Half the maps, of half the size, pass from one to the next. A layer adds width / 2 maps."""

    @property
    def published_names(self):
        """{layer: its name in torchvision}."""
        names = {"stem": "features.conv0", "stem_norm": "features.norm0", "last_norm": "features.norm5"}
        for block, count in enumerate(LAYERS, 1):
            for number in range(1, count + 1):
                own, theirs = f"block{block}_layer{number}", f"features.denseblock{block}.denselayer{number}"
                for place, part in enumerate("ab", 1):
                    names.update(
                        {f"{own}{part}": f"{theirs}.conv{place}", f"{own}{part}_norm": f"{theirs}.norm{place}"}
                    )
            own, theirs = f"transition{block}", f"features.transition{block}"
            names.update({own: f"{theirs}.conv", f"{own}_norm": f"{theirs}.norm"} if block < len(LAYERS) else {})
        return {**names, "scores": "classifier"}

    def features(self, input, make, width):
        growth = max(1, width // 2)

        def convolved(h, name, filters, size, level):
            """Normalizes, activates and convolves."""
            h = make.layers.ReLU()(make.norm(f"{name}_norm")(h))
            return padded(make, h, name, filters, size, level=level, normed=True)

        large = min(self.size) >= IMAGENET_FROM
        h = padded(make, input, "stem", width, 7 if large else 3, strides=2 if large else 1, level=1, normed=True)
        level = 3 if large else 1
        if large:
            h = make.layers.ReLU()(make.norm("stem_norm")(h))
            h = make.layers.MaxPooling2D(3, 2)(make.layers.ZeroPadding2D(1)(h))
        for block, count in enumerate(LAYERS, 1):
            for number in range(1, count + 1):
                name = f"block{block}_layer{number}"
                y = convolved(h, f"{name}a", BOTTLENECK * growth, 1, level)
                h = make.layers.Concatenate()([h, convolved(y, f"{name}b", growth, 3, level)])
            if block < len(LAYERS):
                h = convolved(h, f"transition{block}", max(1, h.shape[-1] // 2), 1, level)
                h, level = make.layers.AveragePooling2D(2)(h), level + 1
        return make.layers.GlobalAveragePooling2D()(make.layers.ReLU()(make.norm("last_norm")(h)))

"""Wide ResNet (Zagoruyko and Komodakis, 2016): 28 layers, widened by 4, as in the Visual Decathlon."""

import dataclasses

from pgtf.networks.classifier import ClassifierNetwork, padded

BLOCKS = 4  # Of each of three groups: 6 · 4 + 4 layers.
DECATHLON_FROM = 64  # Pixels, from which on the first group halves, too.


@dataclasses.dataclass(frozen=True)
class WideResNet28x4(ClassifierNetwork):
    """Twelve pre-activation blocks in three groups. At width 64 the stem has 16 filters, the groups 64, 128, 256."""

    def features(self, input, make, width):

        def activated(h, name):
            return make.layers.ReLU()(make.norm(f"{name}_norm")(h))

        h, level = padded(make, input, "stem", max(1, width // 4), 3, level=1, normed=True), 1
        for group in range(3):
            for number in range(BLOCKS):
                name, filters = f"group{group + 1}_block{number + 1}", 2**group * width
                halves = not number and (group > 0 or min(self.size) >= DECATHLON_FROM)
                strides = 2 if halves else 1
                y = active = activated(h, f"{name}a")
                y = padded(make, y, f"{name}a", filters, 3, strides=strides, level=level, normed=True)
                y = padded(make, activated(y, f"{name}b"), f"{name}b", filters, 3, level=level + halves, normed=True)
                if strides > 1 or h.shape[-1] != filters:
                    h = padded(make, active, f"{name}_shortcut", filters, 1, strides=strides, level=level, normed=True)
                h, level = make.layers.Add()([h, y]), level + halves
        return make.layers.GlobalAveragePooling2D()(activated(h, "last"))

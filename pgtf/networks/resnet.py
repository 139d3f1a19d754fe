"""ResNet generator of CycleGAN, after Johnson et al."""

import dataclasses

from pgtf.foundation.settings import setting
from pgtf.networks.base import Network


@dataclasses.dataclass(frozen=True)
class ResNet(Network):
    """Two convolutions with stride 2, residual blocks, and two upsampling layers."""

    first_layer = "stem"
    blocks: int = setting(9, "Residual blocks; 9 at 256 px, 6 are usual at 128.", above=0)

    @property
    def multiple(self) -> int:
        height, width = self.size
        if height % 4 or width % 4 or min(height, width) < 16:
            raise ValueError(f"A ResNet needs images of at least 16 px, in multiples of 4. Received: {height}x{width}")
        return 4

    def __call__(self, input, make, width):
        """Returns an image [n, h, w, outputs] in [-1, 1] for an image [n, h, w, c]."""

        def block(h, name):
            y = h
            for part in ("a", "b"):
                y = make.layers.ReflectionPadding2D(1)(y)
                y = make.conv(f"{name}{part}", 4 * width, 3, padding="valid", level=3)(y)
                y = make.norm(f"{name}{part}_norm")(y)
                if part == "a":
                    y = make.layers.ReLU()(y)
            return make.layers.Add()([h, y])

        h = make.layers.ReflectionPadding2D(3)(input)
        h = make.conv("stem", width, 7, padding="valid", level=1)(h)
        h = make.layers.ReLU()(make.norm("stem_norm")(h))
        for level in (1, 2):
            h = make.conv(f"down{level}", 2**level * width, 3, strides=2, level=level)(h)
            h = make.layers.ReLU()(make.norm(f"down{level}_norm")(h))
        for number in range(1, self.blocks + 1):
            h = block(h, f"block{number}")
        h = make.up("up2", 2 * width, 3, level=3)(h)
        h = make.layers.ReLU()(make.norm("up2_norm")(h))
        h = make.up("up1", width, 3, task_specific=True)(h)
        h = make.layers.ReLU()(make.norm("up1_norm")(h))
        h = make.layers.ReflectionPadding2D(3)(h)
        h = make.conv("output", self.outputs, 7, padding="valid", task_specific=True)(h)
        return make.layers.Activation("tanh", dtype="float32")(h)

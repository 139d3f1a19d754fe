"""The base class of networks that score the classes of an image."""

import dataclasses
from typing import Any, ClassVar

from pgtf.foundation.settings import setting
from pgtf.layers.dense import dense
from pgtf.layers.kernel_site import SiteFactory
from pgtf.networks.base import Network

HEAD = "scores"  # The last layer with weights; all others make the features that it scores.
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # Of ImageNet's channels, in [0, 1].

CAFFE_MEAN = (123.68, 116.779, 103.939)  # In [0, 255].


@dataclasses.dataclass(frozen=True)
class ClassifierNetwork(Network):
    """Maps an image to logits [n, outputs], one for each class. The last layer is task-specific.

    Attributes:
      least: Smallest height and width of an image.
      input_values: "plain", "imagenet" or "caffe".
    """

    makes = "scores"
    norms = ("batch", "none")
    init = "he"
    least: ClassVar[int] = 8
    input_values: str = setting(
        "plain",
        "plain: images in [-1, 1]; imagenet: minus ImageNet's mean, divided by its standard deviation, as "
        "torchvision's weights have them; "
        "caffe: 0 to 255 minus ImageNet's mean, as those of keras.applications's VGG16.",
        choices=("plain", "imagenet", "caffe"),
    )

    @property
    def multiple(self) -> int:
        height, width = self.size
        if min(height, width) < self.least:
            raise ValueError(f"The network needs images of at least {self.least} px. Received: {height}x{width}")
        return 1

    def __call__(self, input, make, width):
        """Returns scores, float32 [n, outputs], of an image [n, h, w, c] in [-1, 1]."""
        if self.input_values == "imagenet":  # Of values in [0, 1], which are (x + 1) / 2.
            scale = [1 / (2 * spread) for spread in SPREAD]
            offset = [(0.5 - mean) / spread for mean, spread in zip(MEAN, SPREAD)]
            input = make.layers.Rescaling(scale, offset)(input)
        elif self.input_values == "caffe":
            input = make.layers.Rescaling(127.5, [127.5 - mean for mean in CAFFE_MEAN])(input)
        h = self.features(input, make, width)
        scores = dense(make, HEAD, self.outputs, task_specific=True)(h)
        return make.layers.Activation("linear", dtype="float32")(scores)

    def features(self, input: Any, make: SiteFactory, width: int) -> Any:
        """Returns the features [n, c] that the last layer scores."""
        raise NotImplementedError


def padded(make: SiteFactory, h: Any, name: str, filters: int, kernel_size: int, **settings: Any) -> Any:
    """Convolves a map that is padded alike on all sides, as in PyTorch; `same` of TensorFlow pads a stride unevenly."""
    if kernel_size > 1:
        h = make.layers.ZeroPadding2D(kernel_size // 2)(h)
    return make.conv(name, filters, kernel_size, padding="valid", **settings)(h)

"""A third objective and a third network, for tests alone: an image to its score, by two convolutions and a pool."""

import dataclasses

import numpy as np

from pgtf.data.finder import Finder
from pgtf.data.sources import Labelled, Side
from pgtf.foundation.settings import setting
from pgtf.networks import Network
from pgtf.objectives import Objective


@dataclasses.dataclass(frozen=True)
class Pool(Network):
    """Two convolutions and a global pool."""

    makes = "scores"

    slope: float = setting(0.2, "pool: slope below zero.", least=0)

    def __call__(self, input, make, width):
        h = make.layers.LeakyReLU(self.slope)(make.conv("first", width, 3, strides=2, level=1)(input))
        h = make.conv("scores", self.outputs, 3, strides=2, task_specific=True)(h)
        return make.layers.Activation("linear", dtype="float32")(make.layers.GlobalAveragePooling2D()(h))


@dataclasses.dataclass(frozen=True)
class Score(Objective):
    """A labelled image to its label, by the squared distance; no discriminator."""

    makes = "scores"
    architecture = {"outputs": 1}
    batch = "labelled"
    serves = "scores"

    weight: float = setting(1.0, "score: weight of the loss.", least=0)

    def learner(self, *networks, **settings):
        from tests.toy_learner import ScoreLearner

        return ScoreLearner(*networks, self, **settings)


@dataclasses.dataclass(frozen=True)
class LabelledFinder:
    """Drawn images, labelled with the mean of their green channel in [0, 1]."""

    find: Finder

    def __call__(self, task, flipped=False):
        data = self.find(task, flipped)
        return dataclasses.replace(data, sources={name: _labelled(source) for name, source in data.sources.items()})


def _labelled(pairs):
    images = Side(pairs, 0)
    greens = [images[index][..., 1].mean() / 255 for index in range(len(images))]
    return Labelled(images, np.array(greens, "float32")[:, None])

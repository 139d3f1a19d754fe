"""MineGAN (Wang et al., CVPR 2020): a miner in front of the first task's frozen generator.

image = first task's generator(z + miner(z))
"""

import dataclasses

from pgtf import layers
from pgtf.foundation.settings import setting
from pgtf.layers.dense import dense
from pgtf.methods.backbone import Backbone

MINER = "miner"  # Names of its layers begin so.


@dataclasses.dataclass(frozen=True)
class MineGAN(Backbone):
    """A later task stores a miner: dense layers that map its latents to those of the first task's similar images."""

    needs = "latents"
    compressible = False

    miner_layers: int = setting(2, "Dense layers of the miner, each as wide as a latent.", least=1)

    def adapted(self, site, kernel):
        return site.recipes.PartlyFree(kernel, 0.0)

    def recipe(self, site, bank):
        is_miner = site.path.rpartition("/")[2].startswith(MINER)
        return site.recipes.Full(site.initializer) if is_miner else super().recipe(site, bank)

    def input(self, make, input, bank):
        if not bank.names:
            return input
        h, length = input, input.shape[-1]
        for number in range(1, self.miner_layers + 1):
            h = dense(make, f"{MINER}{number}", length, kind="equalized")(h)
            h = make.layers.LeakyReLU(0.2)(h) if number < self.miner_layers else h
        return make.layers.Add()([input, h])

    def initialize(self, networks, bank):
        super().initialize(networks, bank)
        for network in networks.values() if bank.names else ():
            for layer in network.layers:
                if not layer.name.startswith(MINER):
                    layer.trainable = False
            layers.restore(network, {**layers.state(network), **_silent(network, self.miner_layers)})


def _silent(network, number):
    """Returns values of the miner's last layer at which it adds nothing."""
    path = f"{network.name}/{MINER}{number}/"
    return {name: 0 * value for name, value in layers.state(network).items() if name.startswith(path)}

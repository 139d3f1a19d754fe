"""Frozen: the first task's kernels as they are; a later task trains its norms, biases and task-specific layers."""

import dataclasses

from pgtf.methods.backbone import Backbone


@dataclasses.dataclass(frozen=True)
class Frozen(Backbone):
    """A later task uses the first task's kernels, and stores its norms, biases and task-specific layers."""

    def adapted(self, site, kernel):
        return site.recipes.PartlyFree(kernel, 0.0)

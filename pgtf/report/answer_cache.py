"""Caches the outputs of a run's tasks for given images. Networks are built only for missing outputs."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from pgtf.assembly.replay import outputs
from pgtf.data.pixels import to_picture
from pgtf.foundation import files
from pgtf.report.page_cache import PageCache
from pgtf.runs.run import Run, Task


class AnswerCache:
    """Outputs of a run's tasks. cache: Cache of outputs."""

    def __init__(self, run: Run, cache: PageCache):
        self.run, self.cache = run, cache

    def outputs(
        self, index: int, images: Sequence[np.ndarray], prefix: str = "forward", latest: int = -1
    ) -> list[np.ndarray]:
        """Translates images with task `index` as it answers after task `latest` was learned.

        Args:
          index: Index of the task.
          images: All of one size and of the channels that the network takes.
          prefix: Direction of the network.
          latest: Index of the latest learned task. Default: the last one.

        Returns:
          The outputs as pictures, uint8 [h, w, 3].
        """
        task = self.run.at(index, latest)
        given = np.stack(images)
        hashes = [task.slice.sha256, *(borrowed.sha256 for borrowed in task.slice.borrows)]
        facts = ["answer", hashes, prefix, given.shape, files.sha256(given.tobytes())]
        content = self.cache.load_or_make(facts, lambda: _png(self._answer(task, prefix, given)))
        with Image.open(io.BytesIO(content)) as image:
            return list(np.asarray(image).reshape(*given.shape[:3], 3))

    def _answer(self, task: Task, prefix: str, images: np.ndarray) -> np.ndarray:
        return to_picture(outputs(task.network(prefix), images))


def _png(images: np.ndarray) -> bytes:
    """Joins images vertically and encodes them as PNG."""
    content = io.BytesIO()
    Image.fromarray(images.reshape(-1, *images.shape[2:])).save(content, "PNG")
    return content.getvalue()

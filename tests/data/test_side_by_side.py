"""Pairs side by side and single images are told apart."""

import os

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from pgtf.data import drawn
from pgtf.data.side_by_side import continues_across_middle, refuse_single_images


def photo(seed, height=96, width=144):
    """An image as smooth as a photo: noise of all scales, the coarse ones the strongest."""
    draw, image = np.random.default_rng(seed), np.zeros((height, width, 3))
    for scale in (2, 4, 8, 16, 32):
        noise = draw.integers(0, 256, (height // scale + 2, width // scale + 2, 3), dtype="uint8")
        image += scale**0.5 * np.asarray(
            Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC), float
        )
    return (255 * (image - image.min()) / np.ptp(image)).astype("uint8")


def pair(seed):
    return np.concatenate([photo(seed), 255 - photo(seed)], axis=1)


class SideBySideTest(parameterized.TestCase):
    def folder(self, images):
        folder = self.create_tempdir().full_path
        paths = [os.path.join(folder, f"{number}.png") for number in range(len(images))]
        for path, image in zip(paths, images):
            Image.fromarray(image).save(path)
        return folder, paths

    @parameterized.parameters((96, 144), (144, 144), (90, 160))
    def test_single_images_are_refused(self, height, width):
        folder, paths = self.folder([photo(seed, height, width) for seed in range(8)])
        with self.assertRaisesRegex(ValueError, "single images, not pairs side by side: in .* trainA .* Received: '/"):
            refuse_single_images(folder, paths)
        refuse_single_images(folder, paths[:3])  # Too few for a verdict.

    def test_pairs_pass_and_broken_files_are_passed_over(self):
        folder, paths = self.folder([pair(seed) for seed in range(12)])
        os.truncate(paths[3], 0)
        refuse_single_images(folder, paths)
        self.assertFalse(any(continues_across_middle(pair(seed)) for seed in range(12)))

    @parameterized.parameters(*drawn.TASKS)
    def test_drawn_pairs_pass(self, task):
        found = [
            continues_across_middle(np.concatenate(drawn.draw(task, number, 64, 0), axis=1)) for number in range(12)
        ]
        self.assertLess(sum(found), 4)

    def test_what_has_no_edges_says_nothing(self):
        noise = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype="uint8")
        for image in (np.full((64, 128, 3), 255, "uint8"), noise, np.zeros((1, 1, 3), "uint8"), noise[:, :3]):
            self.assertFalse(continues_across_middle(image))


if __name__ == "__main__":
    absltest.main()

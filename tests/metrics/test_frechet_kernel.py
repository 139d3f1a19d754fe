import itertools
import unittest

import numpy as np
import tensorflow as tf

from pgtf.metrics import kernel_blocks
from pgtf.metrics.activations import Activations
from pgtf.metrics.frechet_kernel import distances, frechet_distance, kernel_distance
from pgtf.metrics.measurements import ImageSet

try:
    import tensorflow_gan as tfgan
except ImportError:
    tfgan = None

with_tensorflow_gan = unittest.skipUnless(tfgan, "tensorflow-gan is not installed")
RNG = np.random.default_rng(0)


def with_variances(variances, shift=0.0):
    """Features [n, d] whose covariance is diagonal and exactly this: a point on each side of each axis."""
    n = 2 * len(variances)
    points = np.diag(np.sqrt(np.asarray(variances) * (n - 1) / 2))
    return np.concatenate([points, -points]) + shift


def by_eigenvalues(a, b):
    """The Fréchet distance with Tr (Σa Σb)^½ from the eigenvalues of the product itself."""
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    shared = np.sqrt(np.maximum(np.linalg.eigvals(product).real, 0)).sum()
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum() - 2 * shared


def by_pairs(a, b):
    """The unbiased squared MMD, pair by pair."""

    def k(x, y):
        return (x @ y / len(x) + 1) ** 3

    within = [np.mean([k(x, y) for x, y in itertools.permutations(side, 2)]) for side in (a, b)]
    return sum(within) - 2 * np.mean([k(x, y) for x in a for y in b])


class FrechetTest(tf.test.TestCase):
    def test_of_equal_covariances_is_the_gap_of_the_means(self):
        for n, d in ((40, 5), (5, 40), (2, 7)):
            a, gap = RNG.normal(size=(n, d)), RNG.normal(size=d)
            self.assertAllClose(frechet_distance(a, a + gap), gap @ gap, rtol=1e-12)

    def test_of_diagonal_covariances_is_the_gap_of_the_deviations(self):
        a, b, shift = np.array([4.0, 1.0, 0.25]), np.array([1.0, 9.0, 0.0]), np.array([0.0, 2.0, -1.0])
        # (2 - 1)² + (1 - 3)² + 0.5² + 2² + 1²
        self.assertAllClose(frechet_distance(with_variances(a), with_variances(b, shift)), 10.25, rtol=1e-12)

    def test_of_two_images_a_side(self):
        # Means 0 and (3, 0); variances 2 along x and 8 along y; the covariances share no direction.
        a, b = np.array([[1.0, 0], [-1, 0]]), np.array([[3.0, 2], [3, -2]])
        self.assertAllClose(frechet_distance(a, b), 9 + 2 + 8)

    def test_is_what_eigenvalues_give(self):
        for n, m, d in ((60, 50, 6), (30, 9, 6), (7, 40, 6)):
            mix = RNG.normal(size=(d, d))
            a, b = RNG.normal(size=(n, d)) @ mix + 1, RNG.normal(size=(m, d)) @ mix.T
            self.assertAllClose(frechet_distance(a, b), by_eigenvalues(a, b), rtol=1e-9)
            self.assertAllClose(frechet_distance(b, a), frechet_distance(a, b), rtol=1e-12)

    @with_tensorflow_gan
    def test_is_what_tensorflow_gan_gives_where_no_eigenvalue_is_small(self):
        a, b = RNG.normal(size=(60, 6)), RNG.normal(size=(70, 6)) * 2 + 1
        theirs = tfgan.eval.frechet_classifier_distance_from_activations(tf.constant(a), tf.constant(b))
        self.assertAllClose(frechet_distance(a, b), theirs, rtol=1e-9)

    def test_scales_with_the_square_of_the_features_however_small(self):
        a, b = RNG.normal(size=(50, 20)), RNG.normal(size=(50, 20))
        self.assertAllClose(frechet_distance(1e-6 * a, 1e-6 * b), 1e-12 * frechet_distance(a, b), rtol=1e-9, atol=0)

    def test_of_a_set_and_itself_is_nothing(self):
        for n in (2, 10, 300):
            a = RNG.normal(size=(n, 100))
            self.assertAllClose(frechet_distance(a, a[::-1]), 0, atol=1e-11)


class KernelTest(tf.test.TestCase):
    def test_is_the_formula(self):
        for n, m in ((2, 2), (2, 9), (8, 5)):
            a, b = RNG.normal(size=(n, 3)), RNG.normal(size=(m, 3)) + 1
            value, error = kernel_distance(a, b, blocks=1)
            self.assertAllClose(value, by_pairs(a, b), rtol=1e-12)
            self.assertIsNone(error)
            self.assertAllClose(kernel_distance(b, a, blocks=1)[0], value, rtol=1e-12)

    def test_of_blocks_is_their_mean_and_its_error(self):
        a, b = RNG.normal(size=(12, 3)), RNG.normal(size=(20, 3)) + 1
        rng = np.random.default_rng(5)
        a_blocks, b_blocks = (np.split(x[rng.permutation(len(x))], 4) for x in (a, b))
        expected = [by_pairs(*block) for block in zip(a_blocks, b_blocks)]
        value, error = kernel_distance(a, b, blocks=4, seed=5)
        self.assertAllClose(value, np.mean(expected), rtol=1e-12)
        self.assertAllClose(error, np.std(expected, ddof=1) / 2, rtol=1e-12)

    @with_tensorflow_gan
    def test_the_stand_in_is_tensorflow_gans(self):
        for n, m, largest in ((12, 20, 5), (11, 30, 7), (9, 8, 20)):
            a, b = RNG.normal(size=(n, 3)), RNG.normal(size=(m, 3)) + 1
            theirs = tfgan.eval.kernel_classifier_distance_and_std_from_activations(
                tf.constant(a), tf.constant(b), max_block_size=largest
            )
            ours = kernel_blocks.kernel_classifier_distance_and_std_from_activations(a, b, largest)
            self.assertAllClose(ours, [float(value) for value in theirs], rtol=1e-9)

    def test_every_block_has_two_images_of_each_side(self):
        a, b = RNG.normal(size=(5, 3)), RNG.normal(size=(100, 3))
        value, error = kernel_distance(a, b)
        self.assertTrue(np.isfinite([value, error]).all())
        self.assertEqual(kernel_distance(a, b), kernel_distance(a, b, blocks=2))

    def test_of_one_distribution_is_nothing_within_its_error(self):
        a, b = RNG.normal(size=(2, 400, 4))
        value, error = kernel_distance(a, b)
        self.assertLess(abs(value), 4 * error)
        far, error = kernel_distance(a, b + 1)
        self.assertGreater(far, 10 * error)

    def test_of_a_set_and_itself_is_below_nothing_by_its_own_pairs(self):
        a = RNG.normal(size=(6, 3))
        k = (a @ a.T / 3 + 1) ** 3
        others = (k.sum() - np.trace(k)) / 30
        self.assertAllClose(kernel_distance(a, a, blocks=1)[0], 2 * others - 2 * k.mean(), rtol=1e-9)


class BadInputTest(tf.test.TestCase):
    def test_is_refused(self):
        good = np.ones((3, 4))
        for bad in (good[:1], good[:0], good[:, :3], good[0], good[None], good.astype("int64")):
            for distance in (frechet_distance, kernel_distance):
                with self.assertRaisesRegex(ValueError, r"with n and m at least 2. Received: "):
                    distance(good, bad)
        with self.assertRaisesRegex(ValueError, "finite"):
            frechet_distance(good, good * np.nan)


def measured(features, space="ID-768", sha256="net"):
    images = ImageSet("test", len(features), (8, 8), "right half", "files")
    return Activations(features, images, {"name": "net", "sha256": sha256, "space": space})


class FiguresTest(tf.test.TestCase):
    def test_carry_the_numbers_and_what_they_depend_on(self):
        a, b = RNG.normal(size=(30, 4)), RNG.normal(size=(25, 4)) + 1
        real, generated = measured(a), measured(b)
        figures = distances(real, generated)
        self.assertEqual(list(figures), ["FID-768", "KID-768"])
        self.assertEqual(figures["FID-768"].value, frechet_distance(a, b))
        self.assertEqual((figures["KID-768"].value, figures["KID-768"].standard_error), kernel_distance(a, b))
        for figure in figures.values():
            self.assertEqual((figure.real, figure.generated), (real.images, generated.images))
            self.assertEqual((figure.real.n, figure.generated.n), (30, 25))
            self.assertEqual(figure.extractor, real.extractor)
            self.assertEqual(figure.notes, ())

    def test_few_images_are_noted(self):
        figures = distances(measured(RNG.normal(size=(30, 31))), measured(RNG.normal(size=(40, 31))))
        self.assertIn("n is less than the 31 features", figures["FID-768"].notes[0])
        self.assertEqual(figures["KID-768"].notes, ())
        enough = distances(measured(RNG.normal(size=(31, 31))), measured(RNG.normal(size=(40, 31))))
        self.assertEqual(enough["FID-768"].notes, ())

    def test_one_image_has_no_distance(self):
        for figure in distances(measured(np.ones((3, 2))), measured(np.ones((1, 2)))).values():
            self.assertIsNone(figure.value)
            self.assertIn("3 and 1", figure.reason)

    def test_two_extractors_are_refused(self):
        with self.assertRaisesRegex(ValueError, "one extractor"):
            distances(measured(np.ones((3, 2))), measured(np.ones((3, 2)), sha256="other"))


if __name__ == "__main__":
    tf.test.main()

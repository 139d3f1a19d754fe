"""Influences of images on distances: against differences of the distances themselves, and against new images."""

import numpy as np
from absl.testing import absltest

from pgtf.metrics.activations import Activations
from pgtf.metrics.frechet_kernel import distances, frechet_distance
from pgtf.metrics.influences import Influences, frechet_influences, influences, kernel_influences, with_intervals
from pgtf.metrics.measurements import ImageSet

STEP = 1e-4


def drawn(seed, n=60, m=40, d=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * [1, 0.5, 2, 1][:d], rng.normal(size=(m, d)) * [0.7, 1, 1.5, 1][:d] + 0.4


def frechet(a, b, of_a, of_b):
    """The Fréchet distance of weighted images, by eigenvalues of the product of their covariances."""
    means = [weights @ x / weights.sum() for x, weights in ((a, of_a), (b, of_b))]
    one, other = (
        (x - mean).T @ ((x - mean) * weights[:, None]) / weights.sum()
        for x, mean, weights in ((a, means[0], of_a), (b, means[1], of_b))
    )
    root = np.sqrt(np.linalg.eigvals(one @ other).real).sum()
    return np.sum((means[0] - means[1]) ** 2) + np.trace(one + other) - 2 * root


def kernel(a, b, of_a, of_b):
    """The squared MMD of weighted images over pairs of different ones."""
    found = 0
    for x, y, one, other, factor in ((a, a, of_a, of_a, 1), (b, b, of_b, of_b, 1), (a, b, of_a, of_b, -2)):
        pairs = np.outer(one, other) * (1 - np.eye(len(x)) if x is y else 1)
        found += factor * (pairs * (x @ y.T / x.shape[1] + 1) ** 3).sum() / pairs.sum()
    return found


def slopes(distance, a, b):
    """The change of a distance with the weight of each image, times the number of images of its side."""
    weights = [np.ones(len(a)), np.ones(len(b))]
    found = []
    for side in weights:
        found.append([])
        for index in range(len(side)):
            values = []
            for step in (STEP, -STEP):
                side[index] = 1 + step
                values.append(distance(a, b, *weights))
            side[index] = 1
            found[-1].append(len(side) * (values[0] - values[1]) / (2 * STEP))
    return found


def activations(features, name="real"):
    return Activations(features, ImageSet(name, len(features), (8, 8), "whole", ""), {"space": "ID-4"})


class InfluencesTest(absltest.TestCase):
    def test_frechet_influence_is_the_slope_of_the_distance(self):
        a, b = drawn(0)
        for influence, slope in zip(frechet_influences(a, b), slopes(frechet, a, b)):
            np.testing.assert_allclose(influence, slope, atol=1e-5)

    def test_kernel_influence_is_the_slope_of_the_distance(self):
        a, b = drawn(0)
        for influence, slope in zip(kernel_influences(a, b), slopes(kernel, a, b)):
            # Pairs of different images: their slope is that of the mean to 1 / n.
            np.testing.assert_allclose(influence, slope, atol=0.15 * np.abs(slope).max())
            self.assertGreater(np.corrcoef(influence, slope)[0, 1], 0.999)

    def test_images_in_parts_count_alike(self):
        a, b = drawn(1, 2300, 10)
        whole = ((b @ a.T / 4 + 1) ** 3).mean(axis=1)
        own = ((b @ b.T / 4 + 1) ** 3 * (1 - np.eye(10))).sum(axis=1) / 9
        expected = 2 * (own - whole)
        np.testing.assert_allclose(kernel_influences(a, b)[1], expected - expected.mean(), rtol=1e-9)

    def test_features_without_spread_have_no_influence(self):
        a, b = drawn(2)
        wide = [np.concatenate([x, np.zeros([len(x), 2])], axis=1) for x in (a, b)]
        for one, other in zip(frechet_influences(a, b), frechet_influences(*wide)):
            np.testing.assert_allclose(one, other, atol=1e-9)

    def test_spread_is_that_over_new_images(self):
        found, stated = [], []
        for seed in range(300):
            a, b = drawn(seed, 150, 80)
            found.append(frechet_distance(a, b))
            real, made = frechet_influences(a, b)
            stated.append(real.var() / len(a) + made.var() / len(b))
        self.assertAlmostEqual(np.mean(stated) ** 0.5 / np.std(found), 1, delta=0.12)

    def test_interval_is_the_normal_one(self):
        a, b = drawn(0, 600, 400)
        sample = Influences(3.0, *frechet_influences(a, b))
        half = 1.96 * (sample.real.var() / 600 + sample.generated.var() / 400) ** 0.5
        np.testing.assert_allclose([sample.interval.low, sample.interval.high], [3 - half, 3 + half], atol=0.1 * half)

    def test_measurements_get_intervals_around_their_values(self):
        real, made = (activations(x.astype("float32")) for x in drawn(0))
        found = with_intervals(real, made, distances(real, made))
        self.assertCountEqual(found, ("FID-4", "KID-4"))
        for figure in found.values():
            low, high = figure.interval
            self.assertBetween(figure.value, low, high)
            self.assertIn(f"[{low:.5g}, {high:.5g}]", str(figure))

    def test_too_few_images_have_no_interval(self):
        real, made = (activations(x) for x in drawn(0, 60, 4))
        self.assertEmpty(influences(real, made, distances(real, made)))
        real, made = (activations(np.concatenate([x] * 4, axis=1)) for x in drawn(0, 60, 16))  # As many as features.
        self.assertCountEqual(influences(real, made, distances(real, made)), ["KID-4"])


if __name__ == "__main__":
    absltest.main()

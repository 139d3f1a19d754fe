"""Intervals, held against closed forms and against loops over single draws."""

import itertools
import time

import numpy as np
from absl.testing import absltest, parameterized

from pgtf.metrics.intervals import Interval, Kernels, Values, interval


def of_images(*samples):
    """A row of one seed."""
    return {0: {f"task {index}": sample for index, sample in enumerate(samples)}}


def width(found):
    return found.high - found.low


def features(rng, n, shift=0.0):
    return rng.normal(size=(n, 4)) + shift


def kid(real, generated):
    """KID, pair by pair."""

    def k(x, y):
        return (x @ y / len(x) + 1) ** 3

    within = [np.mean([k(x, y) for x, y in itertools.permutations(side, 2)]) for side in (real, generated)]
    return sum(within) - 2 * np.mean([k(x, y) for x in real for y in generated])


class MeanTest(absltest.TestCase):
    def test_value_and_width_are_those_of_a_mean(self):
        values = np.random.default_rng(0).normal(3, 2, size=400)
        found = interval(of_images(Values(values)), resamples=6000)
        self.assertAlmostEqual(found.value, values.mean())
        error = 1.96 * values.std(ddof=1) / 20
        np.testing.assert_allclose([found.low, found.high], values.mean() + np.array([-error, error]), atol=0.02)

    def test_covers_the_mean_in_95_percent_of_cases(self):
        rng = np.random.default_rng(1)
        found = [interval(of_images(Values(rng.normal(size=60))), resamples=300, seed=s) for s in range(1000)]
        covered = np.mean([one.low <= 0 <= one.high for one in found])
        self.assertBetween(covered, 0.925, 0.965)  # 0.95 ± 3 errors of 1000 cases, and less for 60 values.

    def test_variance_of_two_values_is_unbiased(self):
        # s² / n is 1, so the mean over 200 tasks has the variance 1 / 200, and by so many it is normal.
        found = interval(of_images(*[Values([-1.0, 1.0])] * 200), resamples=4000)
        self.assertAlmostEqual(width(found), 2 * 1.96 / 200**0.5, delta=0.02)

    def test_is_deterministic_from_its_seed(self):
        row = of_images(Values(np.random.default_rng(0).normal(size=9)))
        self.assertEqual(interval(row, seed=4), interval(row, seed=4))
        self.assertNotEqual(interval(row, seed=4), interval(row, seed=5))

    def test_order_of_seeds_and_tasks_is_of_no_account(self):
        a, b = Values([1.0, 5.0, 9.0]), Values([2.0, 2.5])
        row = {0: {"x": a, "y": b}, 1: {"x": Values([0.0, 1.0, 5.0]), "y": b}}
        turned = {seed: dict(reversed(row[seed].items())) for seed in (1, 0)}
        self.assertEqual(interval(row), interval(turned))


class SeedsAndTasksTest(absltest.TestCase):
    def test_mean_is_over_tasks_of_whatever_size(self):
        row = {s: {"few": Values(np.full(3, 1.0 + s)), "many": Values(np.full(500, 5.0))} for s in range(2)}
        self.assertEqual(interval(row).value, 3.25)

    def test_tasks_are_not_resampled_and_seeds_are(self):
        by_task = {s: {t: Values(np.full(5, 100.0 * t)) for t in range(2)} for s in range(2)}
        by_seed = {s: {t: Values(np.full(5, 100.0 * s)) for t in range(2)} for s in range(2)}
        self.assertEqual(interval(by_task), Interval(50, 50, 50, interval(by_task).note))
        self.assertEqual((interval(by_seed).low, interval(by_seed).high), (0, 100))

    def test_a_seed_is_drawn_for_all_tasks_at_once(self):
        # What the one task gains from a seed the other loses: no resample of whole seeds moves the mean.
        row = {s: {"x": Values([float(s)] * 3), "y": Values([-float(s)] * 3)} for s in range(6)}
        self.assertEqual(width(interval(row)), 0)

    def test_an_image_is_drawn_for_all_seeds_at_once(self):
        # Seeds that are hurt by the same images tell no more than one of them does.
        values = np.random.default_rng(0).normal(size=50)
        one, eight = ({s: {"x": Values(values)} for s in range(n)} for n in (1, 8))
        self.assertAlmostEqual(width(interval(one, resamples=8000)), width(interval(eight, resamples=8000)), delta=0.02)
        # Images of two tasks are drawn apart: what they say adds up.
        two = {0: {"x": Values(values), "y": Values(values)}}
        ratio = width(interval(two, resamples=8000)) / width(interval(one, resamples=8000))
        self.assertAlmostEqual(ratio, 0.5**0.5, delta=0.03)

    def test_coverage_over_seeds_is_what_is_stated(self):
        rng = np.random.default_rng(2)
        for seeds, stated in ((2, 0.5), (3, 0.75), (10, 0.92)):
            rows = [{s: {"x": Values([value])} for s, value in enumerate(rng.normal(size=seeds))} for _ in range(300)]
            found = [interval(row, seed=case, resamples=300) for case, row in enumerate(rows)]
            self.assertAlmostEqual(np.mean([one.low <= 0 <= one.high for one in found]), stated, delta=0.07)

    def test_few_seeds_are_noted(self):
        notes = [interval({s: {"x": Values([1.0, 2.0])} for s in range(n)}).note for n in (1, 2, 10)]
        self.assertIn("one seed", notes[0])
        self.assertIn("2 seeds", notes[1])
        self.assertEqual(notes[2], "")


class KidTest(absltest.TestCase):
    def test_value_is_the_formula(self):
        rng = np.random.default_rng(0)
        real, generated = features(rng, 11), features(rng, 14, 0.5)
        self.assertAlmostEqual(interval(of_images(Kernels.from_features(real, generated))).value, kid(real, generated))

    def test_a_resample_is_the_formula_over_pairs_of_different_images(self):
        rng = np.random.default_rng(0)
        real, generated = features(rng, 10), features(rng, 12, 1.0)
        picked = rng.integers(10, size=9), rng.integers(12, size=11)
        weights = [np.bincount(places, minlength=n)[None] for places, n in zip(picked, (10, 12))]

        def k(x, y):
            return (x @ y / 4 + 1) ** 3

        def within(side, places):
            return np.mean([k(side[i], side[j]) for i, j in itertools.product(places, places) if i != j])

        cross = np.mean([k(real[i], generated[j]) for i, j in itertools.product(*picked)])
        expected = within(real, picked[0]) + within(generated, picked[1]) - 2 * cross
        np.testing.assert_allclose(Kernels.from_features(real, generated).weighted(*weights), [expected])

    def test_expectation_of_equal_distributions_is_0(self):
        rng = np.random.default_rng(3)
        found = [
            interval(of_images(Kernels.from_features(features(rng, 20), features(rng, 25))), resamples=50, seed=case)
            for case in range(300)
        ]
        values = np.array([one.value for one in found])
        self.assertLess(abs(values.mean()), 3 * values.std() / len(values) ** 0.5)
        self.assertGreater(np.mean([one.low <= 0 <= one.high for one in found]), 0.95)

    def test_covers_the_distance_of_different_distributions(self):
        rng = np.random.default_rng(4)
        shift = 0.5
        # E k(x, y) = E (xᵀy / 4 + 1)³ of normal x, y about p, q: with s = xᵀy / 4, by moments of s.
        exact = expected_kernel(0, 0) + expected_kernel(shift, shift) - 2 * expected_kernel(0, shift)
        found = [
            interval(
                of_images(Kernels.from_features(features(rng, 60), features(rng, 60, shift))), resamples=200, seed=c
            )
            for c in range(300)
        ]
        self.assertBetween(np.mean([one.low <= exact <= one.high for one in found]), 0.90, 0.98)

    def test_images_of_both_sides_are_resampled(self):
        varied, alike = features(np.random.default_rng(5), 12), np.ones((30, 4))
        for sides in ((varied, alike), (alike, varied)):
            self.assertGreater(width(interval(of_images(Kernels.from_features(*sides)))), 1)
        self.assertEqual(width(interval(of_images(Kernels.from_features(alike, alike)))), 0)

    def test_1000_resamples_of_300_images_take_less_than_a_second(self):
        rng = np.random.default_rng(0)
        row = of_images(Kernels.from_features(rng.normal(size=(300, 768)), rng.normal(size=(300, 768))))
        begin = time.process_time()
        interval(row)
        self.assertLess(time.process_time() - begin, 1)


def expected_kernel(p, q, d=4):
    """E (xᵀy / d + 1)³ of independent x ~ N(p, I) and y ~ N(q, I), p and q the same in all d places."""
    # One place z = xy has the moments E zⁿ = E xⁿ E yⁿ; those of their sum follow from cumulants.
    moments = [(p**n + {1: 0, 2: 1, 3: 3 * p}[n]) * (q**n + {1: 0, 2: 1, 3: 3 * q}[n]) for n in (1, 2, 3)]
    first, second, third = moments
    mean, variance, skew = (
        d * first / d,
        d * (second - first**2) / d**2,
        d * (third - 3 * first * second + 2 * first**3) / d**3,
    )
    return skew + 3 * variance * (1 + mean) + (1 + mean) ** 3


class PairedTest(parameterized.TestCase):
    @parameterized.parameters(0.0, 0.5, 0.9)
    def test_difference_is_narrower_by_the_root_of_1_minus_correlation(self, correlation):
        rng = np.random.default_rng(6)
        shared, *apart = rng.normal(size=(3, 800))
        shared, apart = shared * correlation**0.5, [own * (1 - correlation) ** 0.5 for own in apart]
        a, b = (of_images(Values(shared + own)) for own in apart)
        unpaired = np.hypot(width(interval(a, resamples=3000)), width(interval(b, resamples=3000, seed=1)))
        paired = width(interval(a, b, resamples=3000))
        self.assertAlmostEqual(paired / unpaired, (1 - correlation) ** 0.5, delta=0.06)

    def test_a_constant_gain_is_certain(self):
        values = np.random.default_rng(0).normal(size=(2, 3, 7))
        rows = [{s: {t: Values(values[s, t] + gain) for t in range(3)} for s in range(2)} for gain in (0.25, 0)]
        found = interval(*rows)
        np.testing.assert_allclose([found.value, found.low, found.high], 0.25)

    def test_kid_of_generators_that_fail_on_the_same_images(self):
        rng = np.random.default_rng(7)
        real, made = features(rng, 80), features(rng, 80, 0.5)
        near = made + rng.normal(0, 0.05, size=made.shape) + 0.1
        rows = [of_images(Kernels.from_features(real, x)) for x in (near, made, near[rng.permutation(80)])]
        found, shuffled = interval(*rows[:2]), interval(rows[2], rows[1])
        self.assertAlmostEqual(found.value, kid(real, near) - kid(real, made))
        self.assertAlmostEqual(shuffled.value, found.value)  # The same two sets, but image i is no longer image i.
        self.assertLess(2 * width(found), width(shuffled))
        self.assertGreater(found.low, 0)

    def test_covers_a_difference_in_95_percent_of_cases(self):
        rng = np.random.default_rng(8)
        hits = []
        for case in range(600):
            shared = rng.normal(size=50)
            a, b = (of_images(Values(shared + rng.normal(gain, 0.3, size=50))) for gain in (0.1, 0))
            found = interval(a, b, resamples=300, seed=case)
            hits.append(found.low <= 0.1 <= found.high)
        self.assertBetween(np.mean(hits), 0.91, 0.97)


class BadInputTest(absltest.TestCase):
    def test_is_refused(self):
        for values in ([], [[1.0]], [1.0, np.inf]):
            with self.assertRaisesRegex(ValueError, r"finite numbers \[n\].*Received: shape"):
                Values(values)
        with self.assertRaisesRegex(ValueError, "10 images per side. Received: 12 real, 9 generated"):
            Kernels.from_features(np.ones((12, 2)), np.ones((9, 2)))
        square = np.ones((10, 10))
        with self.assertRaisesRegex(ValueError, r"\[m, n\] for both. Received: \[10, 10\], \[12, 12\], \[12, 10\]"):
            Kernels(square, np.ones((12, 12)), np.ones((12, 10)))  # Transposed.
        a, b = Values([1.0, 2.0]), Values([1.0, 2.0, 3.0])
        for row in ({}, {0: {}}, {0: {"x": a}, 1: {"x": b}}, {0: {"x": a}, 1: {"y": a}}):
            with self.assertRaisesRegex(ValueError, "All seeds of a row.*Received"):
                interval(row)
        for other in ({0: {"x": b}}, {1: {"x": a}}, {0: {"y": a}}):
            with self.assertRaisesRegex(ValueError, "Paired rows must have the same.*Received"):
                interval({0: {"x": a}}, other)


if __name__ == "__main__":
    absltest.main()

import numpy as np
import tensorflow as tf

from pgtf.metrics.measurements import ImageSet
from pgtf.metrics.pairs import l1, pair_figures, psnr, ssim

RNG = np.random.default_rng(0)
A, B = RNG.integers(256, size=(2, 3, 13, 16, 3), dtype="uint8")
NEAR = np.clip(A.astype(int) + RNG.integers(-20, 21, A.shape), 0, 255).astype("uint8")


def even(value, shape=(1, 12, 14, 3)):
    return np.full(shape, value, "uint8")


def ssim_by_windows(a, b):
    """SSIM of two images [h, w], window by window, from Wang et al.'s equations."""
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = (image[y : y + 11, x : x + 11].astype("float64") for image in (a, b))
            mp, mq = (weights * p).sum(), (weights * q).sum()
            vp, vq = (weights * (p - mp) ** 2).sum(), (weights * (q - mq) ** 2).sum()
            shared = (weights * (p - mp) * (q - mq)).sum()
            found.append((2 * mp * mq + c1) * (2 * shared + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return np.mean(found)


class L1Test(tf.test.TestCase):
    def test_is_half_way_of_the_range_for_half_the_levels(self):
        self.assertAllClose(l1(even(0), even(255)), [2.0])
        self.assertAllClose(l1(even(10), even(61)), [0.4])
        self.assertAllClose(l1(A, B), np.abs(A / 127.5 - B / 127.5).reshape(3, -1).mean(axis=1))


class PsnrTest(tf.test.TestCase):
    def test_by_hand(self):
        self.assertAllClose(psnr(even(100), even(110)), [28.1308036])  # 20 log10(25.5)
        self.assertAllClose(psnr(even(0), even(255)), [0.0])
        one = even(0)
        one[0, 3, 4, 1] = 255  # one value of 504
        self.assertAllClose(psnr(even(0), one), [10 * np.log10(504)])

    def test_is_of_each_image(self):
        self.assertAllClose(psnr(np.concatenate([even(0), even(9)]), np.concatenate([even(255), even(9)])), [0, np.inf])

    def test_is_what_tensorflow_gives(self):
        self.assertAllClose(psnr(A, B), tf.image.psnr(A, B, 255), rtol=1e-5)


class SsimTest(tf.test.TestCase):
    def test_is_wangs_equation_window_by_window(self):
        for other in (B, NEAR, np.clip(A // 2 + 100, 0, 255).astype("uint8")):
            expected = [
                np.mean([ssim_by_windows(a[..., colour], b[..., colour]) for colour in range(3)])
                for a, b in zip(A, other)
            ]
            self.assertAllClose(ssim(A, other), expected, rtol=1e-9)
            self.assertAllClose(ssim(A, other), tf.image.ssim(A, other, 255), atol=1e-4)

    def test_of_even_images_is_the_luminance_term(self):
        c1 = 2.55**2
        expected = (2 * 100 * 110 + c1) / (100**2 + 110**2 + c1)
        self.assertAllClose(ssim(even(100), even(110)), [expected], rtol=1e-9)

    def test_of_an_image_and_itself_is_one(self):
        self.assertAllClose(ssim(A, A), np.ones(3), rtol=1e-12)


class PairFiguresTest(tf.test.TestCase):
    def figures(self, a, b):
        return pair_figures(a, b, ImageSet("test", len(b), b.shape[1:3], "right half", "hash"))

    def test_are_means_over_the_images(self):
        found = self.figures(A, B)
        for name, values in (("L1", l1(A, B)), ("PSNR", psnr(A, B)), ("SSIM", ssim(A, B))):
            self.assertAllClose(found[name].value, values.sum() / 3)
            self.assertAllClose(found[name].standard_error, np.std(values, ddof=1) / np.sqrt(3))
            self.assertEqual(found[name].real.n, 3)

    def test_one_image_has_no_error(self):
        self.assertIsNone(self.figures(A[:1], B[:1])["L1"].standard_error)

    def test_equal_images_have_no_mean_psnr(self):
        found = self.figures(np.concatenate([A[:1], B[1:]]), A)
        self.assertIsNone(found["PSNR"].value)
        self.assertIn("1 images", found["PSNR"].reason)
        self.assertIsNotNone(found["SSIM"].value)

    def test_small_images_have_no_ssim(self):
        found = self.figures(A[:, :10], B[:, :10])
        self.assertIsNone(found["SSIM"].value)
        self.assertIn("10 x 16", found["SSIM"].reason)
        self.assertIsNotNone(found["PSNR"].value)


class OtherChannelsTest(tf.test.TestCase):
    def test_floats_are_measured_on_their_range_and_in_all_channels(self):
        a, b = ((each[..., [0, 1, 2, 0, 1, 2]] / 127.5 - 1).astype("float32") for each in (A, NEAR))
        for metric in (l1, psnr, ssim):
            self.assertAllClose(metric(a, b), metric(A, NEAR), rtol=1e-5)


class BadInputTest(tf.test.TestCase):
    def test_is_refused(self):
        for metric in (l1, psnr, ssim):
            for bad in (A.astype("float32"), A[0], A[..., :1], A[:0]):
                with self.assertRaisesRegex(ValueError, "uint8.*Received: "):
                    metric(bad, bad)
            for bad in (A[:2], A[:, :, :15], A.transpose(0, 2, 1, 3)):
                with self.assertRaisesRegex(ValueError, "needs a target of the same size. Received: "):
                    metric(A, bad)
        with self.assertRaisesRegex(ValueError, "at least 11 px"):
            ssim(A[:, :10], B[:, :10])
        with self.assertRaisesRegex(ValueError, r"all 4 images of the set, .* Received: 3 of \(13, 16\)"):
            pair_figures(A, B, ImageSet("test", 4, (13, 16), "right half", "hash"))


if __name__ == "__main__":
    tf.test.main()

"""One image of any size through networks whose result is known."""

import tracemalloc

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.data.rgb_images import to_float
from pgtf.runs.translate import Translator, _tiles


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, [*shape, 3], dtype="uint8")


def convolution(kernel):
    """A model that convolves each channel with a kernel [h, w], zeros around."""
    kernel = np.asarray(kernel, "float32")
    layer = keras.layers.DepthwiseConv2D(kernel.shape, padding="same", use_bias=False)
    model = keras.Sequential([keras.Input((None, None, 3)), layer])
    layer.set_weights([np.repeat(kernel[:, :, None, None], 3, 2)])
    return model


def watched(see):
    """The identity, which shows every image that it gets."""

    def network(image, training):
        del training

        def look(array):
            see(array)
            return array

        return tf.ensure_shape(tf.numpy_function(look, [image], tf.float32), image.shape)

    return network


class TranslationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((1, 1), (3, 500), (500, 2), (64, 64), (64, 65), (63, 129), (257, 131), (200, 1))
    def test_any_size_comes_back_as_it_was(self, height, width):
        image = noise(height, width)
        result = Translator(convolution([[1]]), 32, tile=64)(image)
        self.assertEqual(result.dtype, np.uint8)
        self.assertAllEqual(result, image)

    @parameterized.parameters((1, 1), (3, 500), (65, 64), (40, 90), (257, 131))
    def test_the_network_gets_only_sizes_that_it_takes(self, height, width):
        for multiple, tile, least in ((32, 64, 32), (4, 64, 16), (16, 50, 16)):
            seen = []
            Translator(watched(seen.append), multiple, tile=tile)(noise(height, width))
            self.assertNotEmpty(seen)
            for image in seen:
                for side, length in zip(image.shape[1:3], (height, width)):
                    self.assertEqual(side % multiple, 0)
                    self.assertBetween(side, least, tile)
                    self.assertLess(side - length, max(multiple, least), "padded beyond need")

    def test_what_fits_is_given_as_it_is(self):
        seen, image = [], noise(32, 64)
        Translator(watched(seen.append), 32, tile=64)(image)
        self.assertLen(seen, 1)
        self.assertAllEqual(seen[0][0], to_float(image))

    def test_an_image_continues_as_its_mirror(self):
        image = noise(20, 26)  # 6 px above and below, 3 px on either side

        def down_and_right(x, training):
            return tf.roll(x, [4, 2], [1, 2])

        result = Translator(down_and_right, 32, tile=64)(image)
        self.assertAllEqual(result[4:, 2:], image[:-4, :-2])
        self.assertAllEqual(result[:4, 2:], image[4:0:-1, :-2])
        self.assertAllEqual(result[4:, :2], image[:-4, 2:0:-1])

    def test_a_batch_norm_keeps_what_it_learnt(self):
        """Networks run as after training, whatever the image."""
        norm = keras.layers.BatchNormalization()
        model = keras.Sequential([keras.Input((None, None, 3)), norm])
        norm.set_weights([np.ones(3), np.zeros(3), np.zeros(3), np.full(3, 1 - norm.epsilon)])
        image = noise(16, 32) // 2
        self.assertAllEqual(Translator(model, 16)(image), image)

    @parameterized.parameters(((192, 160),), ((192, 64),), ((32, 160),), ((64, 65),), ((131, 203),))
    def test_tiles_give_what_the_whole_gives(self, size):
        image = noise(*size)
        blur = convolution([[1, 2, 1], [0, 3, 0], [2, 4, 3]] / np.float32(16))
        whole = Translator(blur, 1, tile=256)(image)
        self.assertAllClose(Translator(blur, 1, tile=64)(image), whole, atol=1)
        # The same with tiles that meet without overlap shows their borders: the test can fail.
        self.assertNotAllClose(Translator(blur, 1, tile=64, overlap=0)(image), whole, atol=1)

    @parameterized.product(length=(64, 65, 80, 111, 112, 113, 1000), overlap=(0, 1, 2, 7, 16, 33, 63))
    def test_weights(self, length, overlap):
        tiles, total, end = _tiles(length, 64, overlap), np.zeros(length), overlap
        for start, weights in tiles:
            self.assertLen(weights, 64)
            self.assertGreaterEqual(end - start, overlap, "an overlap too small")
            self.assertAllInRange(weights, 0, 1)
            total[start : start + 64] += weights
            end = start + 64
        self.assertEqual((tiles[0][0], end), (0, length))
        self.assertAllClose(total, np.ones(length), rtol=0, atol=1e-6)

    def test_a_constant_stays_that_constant(self):
        for value in (0, 1, 127, 254, 255):
            image = np.full((150, 133, 3), value, "uint8")
            for overlap in (0, 5, 16, 40):
                self.assertAllEqual(Translator(convolution([[1]]), 16, tile=64, overlap=overlap)(image), image)

    def test_tiles_that_differ_leave_no_seam(self):
        """Tiles in turns black and white: from one to the other the picture goes in small steps."""
        count = []

        def network(image, training):
            def paint(x):
                count.append(0)
                return np.full_like(x, -1 if len(count) % 2 else 1)

            return tf.numpy_function(paint, [image], tf.float32)

        result = Translator(network, 16, tile=64, overlap=32)(noise(160, 160)).astype(int)
        self.assertLen(count, 16)
        self.assertEqual((result.min(), result.max()), (0, 255))
        steepest = 255 * 1.5 / 16  # Of a smooth step over half the overlap.
        self.assertLess(np.abs(np.diff(result, axis=0)).max(), steepest + 1)
        self.assertLess(np.abs(np.diff(result, axis=1)).max(), steepest + 1)

    def test_one_trace_serves_all_sizes(self):
        traces = []

        def network(image, training):
            traces.append(image.shape)
            return image

        translator = Translator(network, 16, tile=64)
        for size in ((16, 16), (1, 1), (30, 200), (70, 70)):
            translator(noise(*size))
        self.assertLen(traces, 1)

    def test_networks_one_after_the_other_are_nothing_to_warn_of(self):
        with self.assertLogs(tf.get_logger(), "WARNING") as logs:
            for _ in range(6):
                Translator(lambda image, training: image, 1)(noise(16, 16))
            tf.get_logger().warning("another")
        self.assertEqual([record.getMessage() for record in logs.records], ["another"])

    def test_memory_stays_that_of_a_band_of_rows(self):
        translator = Translator(convolution([[1]]), 16, tile=64)
        translator(noise(64, 64))

        def peak(height):
            image = noise(height, 256)
            tracemalloc.start()
            translator(image)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return peak - image.nbytes  # But for the result.

        low, high = peak(256), peak(2048)
        self.assertLess(high, 1.5 * low)  # One float for each pixel would make it ten times.

    @parameterized.parameters(
        (np.zeros((8, 8, 3), "float32"), "float32"),
        (np.zeros((8,), "uint8"), r"\[8\]"),
        (np.zeros((8, 8, 5), "uint8"), r"\[8, 8, 5\]"),
        (np.zeros((0, 8, 3), "uint8"), r"\[0, 8, 3\]"),
    )
    def test_refuses_what_is_no_image(self, image, received):
        with self.assertRaisesRegex(ValueError, f"must be uint8 or uint16, .* Received: .*{received}"):
            Translator(convolution([[1]]), 16)(image)

    def test_takes_arrays_as_files_are_taken(self):
        gray = noise(5, 9)[..., 0]
        result = Translator(convolution([[1]]), 16)(gray)
        self.assertAllEqual(result, np.repeat(gray[..., None], 3, -1))

    def test_refuses_tiles_that_cannot_be(self):
        with self.assertRaisesRegex(ValueError, "least input, 256 px. Received: 255"):
            Translator(convolution([[1]]), 256, tile=255)
        with self.assertRaisesRegex(ValueError, "less than the tile, 64 px. Received: 64"):
            Translator(convolution([[1]]), 16, tile=64, overlap=64)

    def test_too_little_memory_is_told_with_its_remedy(self):
        def network(image, training):
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

        with self.assertRaisesRegex(ValueError, "Choose a smaller tile. Received: tile=64"):
            Translator(network, 16, tile=64)(noise(8, 8))


if __name__ == "__main__":
    tf.test.main()

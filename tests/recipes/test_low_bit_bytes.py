"""Bytes of low-bit codes, held against bits worked out by hand; damaged streams are refused."""

import struct
import subprocess
import sys
import zlib

import numpy as np
from absl.testing import absltest, parameterized

from pgtf.recipes.low_bit import LEVELS, dequantize, quantize
from pgtf.recipes.low_bit_bytes import decode, encode, pack, packed_bytes, unpack

HEADER = 16


def drawn(levels, *shape, seed=0):
    return np.random.default_rng(seed).integers(levels, size=shape).astype("uint8")


def renewed(stream, place, byte):
    """A stream with another byte, and the sum that fits it."""
    stream = bytearray(stream)
    stream[place] = byte
    stream[12:16] = struct.pack("<I", zlib.crc32(stream[16:], zlib.crc32(stream[:12])))
    return bytes(stream)


class PackTest(parameterized.TestCase):
    @parameterized.parameters(
        (1, [1, 0, 0, 0, 0, 0, 0, 1, 1], [0b10000001, 1]),
        (1.58, [1, 2, 0, 0, 2, 2], [1 + 2 * 3 + 2 * 81, 2]),
        (2, [3, 0, 1, 2, 1], [0b10010011, 1]),
        (3, [7, 0, 5, 1], [0b01000111, 0b0011]),
        (4, [15, 1, 8], [0x1F, 8]),
        (8, [255, 0, 7], [255, 0, 7]),
    )
    def test_by_hand(self, bits, codes, expected):
        packed = pack(np.array(codes, "uint8"), bits)
        self.assertEqual(list(packed), expected)
        np.testing.assert_array_equal(unpack(packed, len(codes), bits), codes)

    @parameterized.parameters(*LEVELS)
    def test_round_trip_and_size_of_every_length(self, bits):
        for values in (0, *range(1, 26), 1000):
            codes = drawn(LEVELS[bits], values)
            packed = pack(codes, bits)
            self.assertLen(packed, packed_bytes(values, bits))
            np.testing.assert_array_equal(unpack(packed, values, bits), codes)

    @parameterized.parameters((1, 125), (1.58, 200), (2, 250), (3, 375), (4, 500), (8, 1000))
    def test_1000_values_take(self, bits, expected):
        self.assertEqual(packed_bytes(1000, bits), expected)

    def test_bytes_that_hold_no_codes_are_refused(self):
        for bits, packed, values in (
            (2, b"\0\0", 4),
            (2, b"", 1),
            (1.58, bytes([243]), 5),
            (3, b"\x08", 1),
            (4, b"\x10", 1),
        ):
            with self.assertRaisesRegex(ValueError, "must .*Received: "):
                unpack(packed, values, bits)


class StreamTest(parameterized.TestCase):
    @parameterized.product(bits=list(LEVELS), group=(None, 7))
    def test_round_trip_to_the_bit(self, bits, group):
        values = np.random.default_rng(1).normal(size=(3, 2, 5, 4)).astype("float32")
        codes, scales = quantize(values, bits, group)
        found = decode(encode(codes, scales, bits))
        for before, after in zip((codes, scales), found):
            np.testing.assert_array_equal(before, after)
            self.assertEqual(before.dtype, after.dtype)
        self.assertEqual(found[2], bits)
        np.testing.assert_array_equal(dequantize(*found), dequantize(codes, scales, bits))

    @parameterized.parameters(*LEVELS)
    def test_size_is_to_the_byte_where_codes_are_even(self, bits):
        stream = encode(drawn(LEVELS[bits], 3, 7, 11), np.ones([2, 11], "float32"), bits)
        self.assertLen(stream, HEADER + 4 * 3 + 2 * 2 * 11 + packed_bytes(231, bits))

    @parameterized.parameters((1.58, 1.0), (2, 1.011), (3, 1.011), (4, 1.011), (8, 1.011))
    def test_normal_values_take_hardly_more_than_their_entropy(self, bits, most):
        values = np.random.default_rng(2).normal(size=(1152, 128)).astype("float32")
        codes, scales = quantize(values, bits)
        shares = np.bincount(codes.ravel(), minlength=LEVELS[bits]) / codes.size
        entropy = -np.sum(shares * np.log2(np.maximum(shares, 1e-9))) * codes.size / 8
        stream = encode(codes, scales, bits)
        self.assertLess(len(stream) - scales.nbytes, max(most, 1.011) * entropy)
        self.assertLess(len(stream) - scales.nbytes, packed_bytes(codes.size, bits))
        np.testing.assert_array_equal(decode(stream)[0], codes)

    @parameterized.parameters(*LEVELS)
    def test_codes_of_one_level(self, bits):
        codes = np.full([500, 20], LEVELS[bits] - 1, "uint8")
        stream = encode(codes, np.ones([1, 20], "float32"), bits)
        np.testing.assert_array_equal(decode(stream)[0], codes)

    def test_every_flipped_bit_and_every_length_is_noticed(self):
        for codes in (drawn(4, 3, 5), np.minimum(drawn(40, 30, 10), 3)):  # Dense, and compressed.
            stream = encode(codes, np.ones([1, codes.shape[-1]], "float32"), 2)
            for place in range(len(stream)):
                damaged = bytearray(stream)
                damaged[place] ^= 1 << place % 8
                with self.assertRaises(ValueError):
                    decode(bytes(damaged))
                with self.assertRaises(ValueError):
                    decode(stream[:place])
            with self.assertRaises(ValueError):
                decode(stream + b"\0")

    def test_a_forged_stream_raises_nothing_but_value_error(self):
        for codes in (drawn(4, 3, 5), np.minimum(drawn(40, 30, 10), 3)):
            stream = encode(codes, np.ones([1, codes.shape[-1]], "float32"), 2)
            for place in (*range(4, 12), *range(16, len(stream))):
                for byte in (0, 1, 2, 7, 255):
                    try:
                        decode(renewed(stream, place, byte))
                    except ValueError as error:
                        self.assertIn("Received: ", str(error))

    def test_what_it_cannot_hold_is_refused(self):
        codes = drawn(4, 3, 5)
        for bad, filters in ((codes[0], 5), (codes, 3), (codes[:0], 5), (codes + 1, 5)):
            with self.assertRaisesRegex(ValueError, r"must be below 4.*Received: codes"):
                encode(bad, np.ones([1, filters], "float32"), 2)
        with self.assertRaisesRegex(ValueError, "Only streams.*Received: format 9, coder 0, 4 levels, 2 axes"):
            decode(renewed(encode(codes, np.ones([1, 5], "float32"), 2), 4, 9))


class ImportTest(absltest.TestCase):
    def test_the_codec_imports_no_tensorflow(self):
        code = "import sys, pgtf.recipes.low_bit_bytes; assert 'tensorflow' not in sys.modules"
        subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    absltest.main()

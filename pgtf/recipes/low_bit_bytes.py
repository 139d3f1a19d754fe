"""Serializes low-bit codes and scales to bytes.

A stream is a header, the scales in bfloat16, and the codes, all little-endian:

    "PGLB"  format  coder  levels - 1  axes  groups  CRC-32 of all other bytes  shape
      4       1       1        1        1      4                 4              4 × axes

Coder 0 packs codes densely. Coder 1 packs whole codes into bytes and compresses the bytes by Huffman coding alone
(zlib's; a deflate stream); it is used if the result is smaller. On normal values it takes 0.6 to 1.1 % more than the
entropy. zstd at level 19 takes as much, because such codes have no repetitions.
"""

import math
import struct
import zlib

import numpy as np

from pgtf.recipes.low_bit import LEVELS, levels_of

MAGIC, FORMAT, DENSE, HUFFMAN = b"PGLB", 1, 0, 1
HEADER = struct.Struct("<4s4BI")
CRC = struct.Struct("<I")
# {levels: codes per byte}.
IN_A_BYTE = {2: 8, 3: 5, 4: 4, 8: 2, 16: 2, 256: 1}
MOST_IN_A_BYTE = 64  # Codes per byte of a stream, at most: Huffman coding takes at least one bit for each byte.


def packed_bytes(values: int, bits: float) -> int:
    """Returns the number of bytes that `values` packed codes take."""
    levels = levels_of(bits)
    return math.ceil(3 * values / 8) if levels == 8 else math.ceil(values / IN_A_BYTE[levels])


def most_bytes(shape: tuple[int, ...], groups: int, bits: float) -> int:
    """Returns the most bytes that the stream of an array takes: those of one whose codes cannot be compressed."""
    return HEADER.size + CRC.size + 4 * len(shape) + 2 * groups * shape[-1] + packed_bytes(math.prod(shape), bits)


def pack(codes: np.ndarray, bits: float) -> bytes:
    """Packs uint8 codes densely, the first in the lowest bits.

    A byte holds 8, 4, 2 or 1 codes of 1, 2, 4 or 8 bits, or 5 ternary ones; 3 bytes hold 8 codes of 3 bits.
    """
    if levels_of(bits) != 8:
        return _digits(codes, levels_of(bits))
    planes = np.unpackbits(codes.reshape([-1, 1]), axis=1, count=3, bitorder="little")
    return np.packbits(planes, bitorder="little").tobytes()


def unpack(packed: bytes, values: int, bits: float) -> np.ndarray:
    """Returns the uint8 codes [values] that `pack` packed. Raises ValueError for bytes that `pack` cannot produce."""
    levels = levels_of(bits)
    if len(packed) != packed_bytes(values, bits):
        raise ValueError(
            f"{values} codes of {bits} bits must take {packed_bytes(values, bits)} bytes. Received: {len(packed)}"
        )
    if levels != 8:
        return _undigits(packed, values, levels)
    places = np.unpackbits(np.frombuffer(packed, "uint8"), bitorder="little")
    if places[3 * values :].any():
        raise ValueError("Bits after the last code must be 0. Received: other bits")
    return np.packbits(places[: 3 * values].reshape([values, 3]), axis=1, bitorder="little")[:, 0]


def encode(codes: np.ndarray, scales: np.ndarray, bits: float) -> bytes:
    """Returns the stream of uint8 codes [..., filters] and float32 scales [groups, filters]."""
    levels = levels_of(bits)
    if codes.ndim < 2 or not codes.size or codes.max() >= levels or scales.shape[1:] != codes.shape[-1:]:
        raise ValueError(
            f"Codes [..., filters] must be below {levels}, with scales [groups, filters]. "
            f"Received: codes {list(codes.shape)} up to {codes.max(initial=0)}, scales {list(scales.shape)}"
        )
    coder, body = DENSE, pack(codes, bits)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    compressed = compressor.compress(_digits(codes, levels)) + compressor.flush()
    if len(compressed) < len(body):
        coder, body = HUFFMAN, compressed
    head = HEADER.pack(MAGIC, FORMAT, coder, levels - 1, codes.ndim, len(scales))
    upper_halves = (scales.astype("float32").view("uint32") >> 16).astype("<u2")  # The float32's are bfloat16's.
    rest = struct.pack(f"<{codes.ndim}I", *codes.shape) + upper_halves.tobytes() + body
    return head + CRC.pack(zlib.crc32(rest, zlib.crc32(head))) + rest


def decode(stream: bytes) -> tuple[np.ndarray, np.ndarray, float]:
    """Returns the (codes, scales, bits) of a stream. Raises ValueError if it is damaged."""
    head, crc, rest = stream[: HEADER.size], stream[HEADER.size :][: CRC.size], stream[HEADER.size + CRC.size :]
    if not stream.startswith(MAGIC) or len(crc) < CRC.size or CRC.pack(zlib.crc32(rest, zlib.crc32(head))) != crc:
        raise ValueError(f"A stream of low-bit codes is damaged. Received: {len(stream)} bytes")
    _, version, coder, highest, axes, groups = HEADER.unpack(head)
    bits = {levels - 1: bits for bits, levels in LEVELS.items()}.get(highest)
    if version != FORMAT or coder not in (DENSE, HUFFMAN) or bits is None or len(rest) < 4 * axes:
        raise ValueError(
            f"Only streams of low-bit codes of format {FORMAT} can be read. "
            f"Received: format {version}, coder {coder}, {highest + 1} levels, {axes} axes"
        )
    shape = struct.unpack_from(f"<{axes}I", rest)
    values, filters, rest = math.prod(shape), shape[-1] if shape else 0, rest[4 * axes :]
    scales, packed = rest[: 2 * groups * filters], rest[2 * groups * filters :]
    if axes < 2 or not 0 < groups * filters <= values <= MOST_IN_A_BYTE * len(packed):
        raise ValueError(
            "A stream of low-bit codes must hold all its codes and scales. "
            f"Received: shape {list(shape)}, {groups} groups, {len(stream)} bytes"
        )
    if coder == HUFFMAN:
        codes = _undigits(_inflated(packed, math.ceil(values / IN_A_BYTE[highest + 1])), values, highest + 1)
    else:
        codes = unpack(packed, values, bits)
    found = (np.frombuffer(scales, "<u2").astype("uint32") << 16).view("float32")
    return codes.reshape(shape), found.reshape([groups, filters]), bits


def _digits(codes, levels):
    """Packs codes into bytes, as digits in base `levels`."""
    width = IN_A_BYTE[levels]
    padded = np.pad(codes.ravel(), (0, -codes.size % width)).reshape([-1, width])
    return (padded * levels ** np.arange(width)).sum(axis=1).astype("uint8").tobytes()


def _undigits(packed, values, levels):
    """Unpacks the first `values` digits of bytes. Raises ValueError if another digit is not 0."""
    width = IN_A_BYTE[levels]
    digits = np.frombuffer(packed, "uint8")[:, None] // levels ** np.arange(width + 1)
    codes = (digits[:, :width] % levels).astype("uint8").ravel()
    if digits[:, width].any() or codes[values:].any():
        raise ValueError(f"Bytes must hold digits below {levels}, and 0 after the last code. Received: other digits")
    return codes[:values]


def _inflated(compressed, size):
    """Decompresses a deflate stream to exactly `size` bytes. Never allocates more than one byte beyond them."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(compressed, size + 1)
    except zlib.error as error:
        raise ValueError(f"Compressed codes are damaged. Received: {error}") from error
    if len(data) != size or not inflater.eof or inflater.unused_data:
        raise ValueError(f"Compressed codes must be {size} bytes, and end the stream. Received: other data")
    return data

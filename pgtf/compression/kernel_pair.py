"""Compression of one kernel, in each of the kinds of --layers that a layer can have."""

import functools
import math

import numpy as np

from pgtf.storage import quantization

# {kind of --layers: precision of what it stores of a kernel}
KINDS = {
    "frozen": "",
    **{f"lora({rank}):int8": "int8" for rank in (4, 16)},
    **{f"delta({bits})": f"delta{bits}" for bits in ("1", "1.58", "2", "3", "4")},
    "free:int8": "int8",
}


class KernelPair:
    """A task's kernel and the first task's kernel of the same layer. The SVD of their difference is computed once."""

    def __init__(self, kernel: np.ndarray, first: np.ndarray):
        self.kernel, self.first = kernel, first

    def compressed(self, kind: str, final: bool = True) -> tuple[np.ndarray, int]:
        """Compresses the kernel.

        Args:
          kind: A key of KINDS.
          final: Whether the result is stored without further training. Default: yes.

        Returns:
          (the kernel after storage, its bytes). If not final, the bytes are an upper bound.
        """
        precision, first, shape = KINDS[kind], self.first, self.kernel.shape
        if kind == "frozen":
            return first, 0
        size = quantization.stored_bytes(shape, 32, precision)
        if kind == "free:int8":
            return _int8(self.kernel), size
        if kind.startswith("lora"):
            left, right = self.factors(_rank(kind))
            size = sum(quantization.stored_bytes(factor.shape, 32, precision) for factor in (left, right))
            return first + (_int8(left) @ _int8(right)).reshape(shape), size
        stream = quantization.encoded(self.kernel - first, precision)
        return first + quantization.decoded(stream, shape, precision), stream.nbytes if final else size

    def factors(self, rank: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the factors whose product is the nearest to the difference: a truncated singular value decomposition.

        Args:
          rank: The rank.

        Returns:
          (left [h·w·c_in, rank], right [rank, c_out]), of equal singular values.
        """
        left, values, right = self._decomposed
        roots = np.sqrt(values[:rank])
        return left[:, :rank] * roots, roots[:, np.newaxis] * right[:rank]

    @functools.cached_property
    def _decomposed(self):
        difference = (self.kernel - self.first).reshape(-1, self.kernel.shape[-1])
        return np.linalg.svd(difference, full_matrices=False)


def fits(kind: str, shape: tuple[int, ...]) -> bool:
    """Returns whether a kind can hold a kernel: a rank is at most that of the kernel's matrix."""
    return not kind.startswith("lora") or _rank(kind) <= min(math.prod(shape[:-1]), shape[-1])


def _rank(kind: str) -> int:
    return int(kind[len("lora(") : kind.index(")")])


def _int8(value: np.ndarray) -> np.ndarray:
    """Rounds an array to int8 and converts it back to float32."""
    return quantization.restored(*quantization.rounded(value, "int8"))

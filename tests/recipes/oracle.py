"""Expected outputs of Piggyback GAN's layers, written from the paper alone, in plain numpy.

Nothing of pgtf or TensorFlow is used: loops stand where the product has fast operators, and all is
computed in float64. Kernels are `[h, w, c_in, c_out]` for both conv kinds, maps `[n, y, x, c]`.
"""

import numpy as np


def matrix(kernel):
    """R: a kernel `[h, w, c_in, c]` as a matrix `[w * h * c_in, c]` with one filter a column."""
    height, width, c_in, c = np.shape(kernel)
    flat = np.zeros([width * height * c_in, c])
    # The paper counts s_w first. Any order of rows will do as long as R^-1 undoes the same one:
    # this one differs from a C-order reshape on purpose, so that agreeing with one means something.
    for a in range(height):
        for b in range(width):
            for channel in range(c_in):
                flat[(b * height + a) * c_in + channel] = kernel[a, b, channel]
    return flat


def kernel_of(flat, height, width, c_in):
    """R^-1: a matrix `[w * h * c_in, c]` as the kernel `[h, w, c_in, c]` it was made from."""
    kernel = np.zeros([height, width, c_in, flat.shape[1]])
    for a in range(height):
        for b in range(width):
            for channel in range(c_in):
                kernel[a, b, channel] = flat[(b * height + a) * c_in + channel]
    return kernel


def made_kernel(bank_slices, mixing, unconstrained):
    """The kernel of task n, `[F_n^u, R^-1(R([F_1^u, ..., F_{n-1}^u]) W_n)]` (eq. 5).

    bank_slices: list of `[h, w, c_in, u_i]`, oldest task first; mixing: `[B, p]` with B = sum of
    u_i; unconstrained: `[h, w, c_in, u]`. Returns `[h, w, c_in, u + p]`.
    """
    height, width, c_in, _ = np.shape(bank_slices[0])
    bank = np.concatenate([matrix(each) for each in bank_slices], axis=1)
    mixing = np.asarray(mixing, dtype=np.float64)
    piggyback = np.zeros([bank.shape[0], mixing.shape[1]])
    for column in range(mixing.shape[1]):
        for row in range(mixing.shape[0]):
            piggyback[:, column] += bank[:, row] * mixing[row, column]
    made = kernel_of(piggyback, height, width, c_in)
    return np.concatenate([np.asarray(unconstrained, dtype=np.float64), made], axis=-1)


def conv(x, kernel, strides=1, padding="valid"):
    """The cross-correlation of `x` `[n, y, x, c_in]` with `kernel` `[h, w, c_in, c_out]`.

    "same" pads so that ceil(size / stride) positions come out, the odd row or column of the
    padding at the bottom or right; "valid" pads nothing.
    """
    x, kernel = np.asarray(x, dtype=np.float64), np.asarray(kernel, dtype=np.float64)
    down, right = _pair(strides)
    height, width = kernel.shape[:2]
    x = np.pad(
        x, [(0, 0), _border(x.shape[1], height, down, padding), _border(x.shape[2], width, right, padding), (0, 0)]
    )
    rows = (x.shape[1] - height) // down + 1
    columns = (x.shape[2] - width) // right + 1
    y = np.zeros([len(x), rows, columns, kernel.shape[3]])
    for i in range(rows):
        for j in range(columns):
            for a in range(height):
                for b in range(width):
                    y[:, i, j] += x[:, i * down + a, j * right + b] @ kernel[a, b]
    return y


def conv_transpose(x, kernel, strides=1, padding="valid"):
    """The transposed convolution of `x` `[n, y, x, c_in]` with `kernel` `[h, w, c_in, c_out]`.

    Every pixel stamps the kernel, times its value, `strides` apart. "same" keeps size * stride
    rows, cutting the odd one at the bottom or right; "valid" keeps the whole stamp, and never
    fewer than size * stride rows.
    """
    x, kernel = np.asarray(x, dtype=np.float64), np.asarray(kernel, dtype=np.float64)
    down, right = _pair(strides)
    count, rows, columns, _ = x.shape
    height, width, _, c_out = kernel.shape
    over, beyond = max(height - down, 0), max(width - right, 0)
    stamped = np.zeros([count, rows * down + over, columns * right + beyond, c_out])
    for i in range(rows):
        for j in range(columns):
            for a in range(height):
                for b in range(width):
                    stamped[:, i * down + a, j * right + b] += x[:, i, j] @ kernel[a, b]
    if padding == "valid":
        return stamped
    top, left = over // 2, beyond // 2
    return stamped[:, top : top + rows * down, left : left + columns * right]


def span_residual(filters, bank):
    """For each filter, the share of its length that no linear mix of the bank can reach.

    filters: `[h, w, c_in, c]`; bank: `[h, w, c_in, B]`. Returns `[c]`: 0 in the span, 1 at right
    angles to it.
    """
    filters, bank = matrix(filters), matrix(bank)
    mixing = np.linalg.lstsq(bank, filters, rcond=None)[0]
    return np.linalg.norm(filters - bank @ mixing, axis=0) / np.linalg.norm(filters, axis=0)


def _pair(strides):
    return (strides, strides) if isinstance(strides, int) else tuple(strides)


def _border(size, kernel_size, stride, padding):
    if padding == "valid":
        return 0, 0
    positions = -(-size // stride)
    total = max((positions - 1) * stride + kernel_size - size, 0)
    return total // 2, total - total // 2

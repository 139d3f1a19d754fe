"""Outputs of StyleGAN2's networks, from the paper alone (Karras et al., 2020), in plain numpy and float64."""

import math

import numpy as np

from tests.recipes.oracle import conv

TAPS = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def lrelu(x):
    return np.where(x > 0, x, 0.2 * x) * math.sqrt(2)


def scaled(kernel):
    """A kernel [h, w, c_in, c_out], drawn from N(0, 1), as it is used: He's spread."""
    return kernel / math.sqrt(np.prod(kernel.shape[:3]))


def fir(x, before, after, gain=1.0, stride=1):
    """Each channel, padded with zeros, convolved with [1, 3, 3, 1]."""
    x = np.pad(x, [(0, 0), (before, after), (before, after), (0, 0)])
    height, width = x.shape[1] - 3, x.shape[2] - 3
    y = sum(TAPS[a, b] * x[:, a : a + height, b : b + width] for a in range(4) for b in range(4))
    return gain * y[:, ::stride, ::stride]


def spread_out(x):
    """Zeros after each row and column."""
    n, h, w, c = x.shape
    y = np.zeros([n, 2 * h, 2 * w, c])
    y[:, ::2, ::2] = x
    return y


def transposed(x, kernel):
    """The transposed convolution of stride 2: each pixel paints the kernel."""
    (n, h, w, _), (rows, columns, _, c_out) = x.shape, kernel.shape
    y = np.zeros([n, 2 * (h - 1) + rows, 2 * (w - 1) + columns, c_out])
    for i in range(h):
        for j in range(w):
            y[:, 2 * i : 2 * i + rows, 2 * j : 2 * j + columns] += np.einsum("nc,abcd->nabd", x[:, i, j], kernel)
    return y


def modulated(x, style, kernel, doubles=False, demodulates=True):
    """Equations 1 to 3: each example has a kernel of its own."""
    made = []
    for image, factors in zip(x, style):
        own = kernel * factors[:, None]
        if demodulates:
            own = own / np.sqrt((own**2).sum((0, 1, 2)) + 1e-8)
        if doubles:
            made.append(fir(transposed(image[None], own), 1, 1, gain=4)[0])
        else:
            made.append(conv(image[None], own, padding="same")[0])
    return np.stack(made)


def dense(x, kernel, bias, rate=1.0):
    return x @ (rate * scaled(kernel)[0, 0]) + rate * bias


def generated(z, value, noise, sizes, mapping_layers):
    """The images of latents. value: layer path -> array. noise: layer name -> [1, h, w, 1]."""

    def of(name):
        return value(f"{name}/unconstrained"), value(f"{name}/bias")

    w = z / np.sqrt((z**2).mean(1, keepdims=True))
    for number in range(1, mapping_layers + 1):
        w = lrelu(dense(w, *of(f"mapping{number}"), rate=0.01))

    def styled(h, name, **settings):
        kernel, bias = of(name)
        return modulated(h, dense(w, *of(f"{name}_style")), scaled(kernel), **settings) + bias

    def noisy(h, name):
        return lrelu(h + value(f"{name}_noise/strength") * noise(f"{name}_noise"))

    h = np.tile(value("constant/unconstrained").reshape(1, 4, 4, -1), [len(z), 1, 1, 1])
    image = 0
    for size in sizes:
        if size > 4:
            h = noisy(styled(h, f"conv{size}_up", doubles=True), f"conv{size}_up")
            image = fir(spread_out(image), 2, 1, gain=4)
        h = noisy(styled(h, f"conv{size}"), f"conv{size}")
        image = image + styled(h, f"rgb{size}", demodulates=False)
    return image


def scores(x, value, sizes):
    """The scores of images, a discriminator's. value: layer path -> array."""

    def of(name):
        return scaled(value(f"{name}/unconstrained")), value(f"{name}/bias")

    def convolved(h, name, **settings):
        kernel, bias = of(name)
        return lrelu(conv(h, kernel, **settings) + bias)

    h = convolved(x, f"rgb{sizes[-1]}")
    for size in sizes[:0:-1]:
        y = convolved(h, f"conv{size}", padding="same")
        y = convolved(fir(y, 2, 2), f"conv{size}_down", strides=2)
        h = (y + conv(fir(h, 1, 1, stride=2), scaled(value(f"skip{size}/unconstrained")))) / math.sqrt(2)
    group = next(count for count in (4, 3, 2, 1) if len(x) % count == 0)
    columns = []
    for number in range(len(x)):
        first = number - number % group
        others = h[first : first + group]
        columns.append(np.full([*h.shape[1:3], 1], np.sqrt(others.var(0) + 1e-8).mean()))
    h = convolved(np.concatenate([h, np.stack(columns)], -1), "conv4", padding="same")
    h = lrelu(dense(h.reshape(len(x), -1), value("dense/unconstrained"), value("dense/bias")))
    return dense(h, value("scores/unconstrained"), value("scores/bias"))

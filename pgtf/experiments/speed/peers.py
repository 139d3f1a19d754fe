"""The same network in other programs, where they are installed: ONNX Runtime and PyTorch. pgtf needs neither."""

import functools
import os
import re
import tempfile
from collections.abc import Sequence
from typing import Any, Callable

import keras
import numpy as np
import tensorflow as tf

from pgtf.networks import Architecture
from pgtf.serving.onnx import OPSET

Ask = Callable[[np.ndarray], np.ndarray]


def sides(plain: keras.Model, architecture: Architecture, peers: Sequence[str]) -> dict[str, Ask]:
    """Returns {program: function of images [n, h, w, 3]} of those that are installed.

    Args:
      plain: A network of plain layers.
      architecture: Its architecture. PyTorch is compared with U-Nets that have instance norms.
      peers: Some of "onnxruntime", "torch" and "torch.compile".
    """
    found: dict[str, Ask] = {}
    for peer in peers:
        name, make = PEERS[peer]
        try:
            ask = make(plain, architecture)
        except ImportError:
            continue
        if ask:
            found[name] = ask
    return found


def onnx_runtime(plain: keras.Model, path: str) -> Ask:
    """Writes a network as an ONNX file, and returns it as a function in ONNX Runtime."""
    import onnxruntime
    import tf2onnx

    signature = [tf.TensorSpec([None, None, None, 3], tf.float32, "images")]
    function = tf.function(lambda images: plain(images, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, signature, opset=OPSET, output_path=path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def _onnx_runtime(plain: keras.Model, architecture: Architecture) -> Ask:
    del architecture
    with tempfile.TemporaryDirectory() as folder:
        return onnx_runtime(plain, os.path.join(folder, "network.onnx"))


def _torch(plain: keras.Model, architecture: Architecture) -> Any:
    import torch

    if architecture.network != "unet" or architecture.norm != "instance" or architecture.upsampling != "transpose":
        return None
    network = _torch_unet(plain).eval()

    def ask(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            made = network(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
            return np.asarray(made.permute(0, 2, 3, 1).contiguous())

    return ask


def _torch_compiled(plain: keras.Model, architecture: Architecture) -> Any:
    import torch

    eager = _torch(plain, architecture)
    if eager is None:
        return None
    network = torch.compile(_torch_unet(plain).eval())

    def ask(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            made = network(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
            return np.asarray(made.permute(0, 2, 3, 1).contiguous())

    try:
        ask(np.zeros((1, *architecture.size, 3), "float32"))
    except Exception:  # It needs a C++ compiler, and says so in many ways.
        return None
    return ask


def _torch_unet(plain: keras.Model) -> Any:
    """Returns a U-Net of PyTorch's own layers with the values of a network of plain layers."""
    import torch
    from torch import nn

    levels = max(int(layer.name[4:]) for layer in plain.layers if re.fullmatch(r"down\d+", layer.name))

    def tensor(value: Any) -> Any:
        return nn.Parameter(torch.from_numpy(np.array(value)), requires_grad=False)

    def convolution(name: str) -> Any:
        kernel, bias = plain.get_layer(name).get_weights()
        transposed = not name.startswith("down")
        kind = nn.ConvTranspose2d if transposed else nn.Conv2d
        layer = kind(1, 1, 4, stride=2, padding=1)
        # Keras: [h, w, c_in, c_out], transposed [h, w, c_out, c_in]. PyTorch: [c_out, c_in, h, w], [c_in, c_out, h, w].
        layer.weight, layer.bias = tensor(kernel.transpose(3, 2, 0, 1).copy()), tensor(bias)
        return layer

    def norm(name: str) -> Any:
        values = {one.name.split("/")[-1].split(":")[0]: one for one in plain.get_layer(name).weights}
        gamma, beta = np.asarray(values["gamma"]), np.asarray(values["beta"])
        return functools.partial(nn.functional.instance_norm, weight=tensor(gamma), bias=tensor(beta), eps=1e-5)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList([convolution(f"down{level}") for level in range(1, levels + 1)])
            self.up = nn.ModuleList([convolution(f"up{level}") for level in range(levels, 1, -1)])
            self.output = convolution("output")
            self.down_norms = [norm(f"down{level}_norm") for level in range(2, levels)]
            self.up_norms = [norm(f"up{level}_norm") for level in range(levels, 1, -1)]

        def forward(self, x: Any) -> Any:
            skips = []
            for number, down in enumerate(self.down):
                x = down(nn.functional.leaky_relu(x, 0.2) if number else x)
                if 0 < number < levels - 1:
                    x = self.down_norms[number - 1](x)
                skips.append(x)
            x = skips.pop()
            for up, normed in zip(self.up, self.up_norms):
                x = torch.cat([normed(up(nn.functional.relu(x))), skips.pop()], 1)
            return torch.tanh(self.output(nn.functional.relu(x)))

    return UNet()


PEERS: dict[str, tuple[str, Callable]] = {
    "onnxruntime": ("ONNX Runtime", _onnx_runtime),
    "torch": ("PyTorch", _torch),
    "torch.compile": ("torch.compile", _torch_compiled),
}

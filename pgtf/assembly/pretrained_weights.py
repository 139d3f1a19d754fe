"""Reads weights that other programs trained, as the state of a network.

A file holds arrays by name: .npz, .safetensors or .h5. The names are those of slices (forward/stem/unconstrained), or
torchvision's (conv1.weight), see `Network.published_names`. Kernels are [h, w, in, out], or [out, in, h, w] as in
PyTorch; all of a file have the same layout. If a convolution has a bias and no norm in the file, its norm was
folded into it. A last layer that the file lacks has initial values for two classes.
"""

import zipfile
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pgtf.networks.classifier import HEAD

ENDINGS = (".npz", ".safetensors", ".h5")
BGR = "block1_conv1.weight"  # The first kernel of keras.applications's VGG16, whose images have blue first.
KERAS_RESNET = "conv2_block1_1_conv.weight"
EPSILON = 1e-5  # Of batch norms.
# {array of a slice: the same in PyTorch}
PARTS = {
    "unconstrained": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def read_weights(path: str) -> dict[str, np.ndarray]:
    """Reads {name: array} of a file. 16-bit values become float32."""
    try:
        if path.endswith(".npz"):
            with np.load(path, allow_pickle=False) as file:
                found = dict(file)
        elif path.endswith(".safetensors"):
            found = load_file(path)
        else:
            found = _read_h5(path)
    except (OSError, ValueError, KeyError, EOFError, SafetensorError, zipfile.BadZipFile) as error:
        raise ValueError(f"A file of weights must be {', '.join(ENDINGS)}. Received: {path!r} ({error})") from error
    found = {name: np.asarray(array, "float32") for name, array in found.items() if array.dtype.kind == "f"}
    if KERAS_RESNET in found:
        raise ValueError(
            "Weights of keras.applications' ResNets do not fit: their stride is in the 1 × 1 convolutions, that of "
            f"--network in the 3 × 3. Use torchvision's weights. Received: {path!r}"
        )
    if BGR in found:
        found[BGR] = np.ascontiguousarray(found[BGR][:, :, ::-1])
    return found


def check_input_values(weights: Mapping[str, np.ndarray], values: str, path: str) -> None:
    """Raises ValueError if a file's weights were trained on other pixel values than --input_values."""
    if BGR in weights and values != "caffe":
        raise ValueError(
            f"Weights of keras.applications's VGG16 need --input_values=caffe. Received: {path!r}, {values}"
        )


def outputs_in(path: str, names: Mapping[str, str]) -> int:
    """Returns the number of classes of the last layer in a file; 2 if it has none."""
    weights = read_weights(path)
    bias = _first(weights, f"forward/{HEAD}/bias", f"{names.get(HEAD)}.bias")
    return 2 if bias is None else len(bias)


def matched(
    state: Mapping[str, np.ndarray], weights: Mapping[str, np.ndarray], names: Mapping[str, str], path: str
) -> dict[str, np.ndarray]:
    """Returns the arrays of a network's state from those of a file. Raises ValueError if one is missing or unfit.

    Args:
      state: {path: array} of the network, with its initial values.
      weights: {name: array} of the file.
      names: {layer: its name in PyTorch}.
      path: The file, for error messages.
    """
    for transpose in (False, True):
        found = {name: _value(name, like, weights, names, transpose) for name, like in state.items()}
        wrong = [
            f"{name} {list(state[name].shape)}" + (f", not {list(value.shape)}" if value is not None else " missing")
            for name, value in found.items()
            if value is None or value.shape != state[name].shape
        ]
        if not wrong:
            return {name: value for name, value in found.items() if value is not None}
    raise ValueError(
        "A file of weights must hold the arrays of the network; choose its --network, --width, --stages, --norm and "
        "--image_size (below 64 px a ResNet begins with kernels of 3 × 3). "
        f"Received: {path!r}, where {len(wrong)} of {len(state)} do not fit: {'; '.join(wrong[:3])}"
    )


def _value(
    name: str, like: np.ndarray, weights: Mapping[str, np.ndarray], names: Mapping[str, str], transpose: bool
) -> Optional[np.ndarray]:
    """Returns one array of the state; None if the file lacks it. transpose: Whether kernels are PyTorch's."""
    _, layer, part = name.split("/")
    published = names.get(layer, layer)
    value = _first(weights, name, f"{published}.{PARTS.get(part, part)}")
    if part == "unconstrained" and value is not None:
        value = value.reshape(*value.shape, 1, 1) if transpose and value.ndim == 2 else value
        value = value.transpose(2, 3, 1, 0) if transpose and value.ndim == 4 else value
        return value.reshape(like.shape) if value.ndim == 2 and value.size == like.size else value
    if value is None and layer == HEAD:
        return like
    if value is None and layer.endswith("_norm"):  # Folded into its convolution.
        bias = _first(weights, f"{names.get(layer.removesuffix('_norm'))}.bias")
        folded = {"gamma": 1.0, "beta": bias, "moving_mean": 0.0, "moving_variance": 1 - EPSILON}[part]
        return None if bias is None else np.broadcast_to(np.float32(folded), like.shape)
    return value


def _first(weights: Mapping[str, np.ndarray], *names: str) -> Optional[np.ndarray]:
    return next((weights[name] for name in names if name in weights), None)


def _read_h5(path: str) -> dict[str, np.ndarray]:
    """Reads the arrays of Keras's weights: LAYER/…/kernel:0 becomes LAYER.kernel, with PyTorch's word for the part."""
    import h5py  # type: ignore[import-untyped]

    words = {"kernel": "weight", "gamma": "weight", "beta": "bias", "moving_variance": "running_var"}
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            layer, part = name.split("/")[0], name.rsplit("/", 1)[-1].split(":")[0]
            part = {f"{layer}_W_1": "kernel", f"{layer}_b_1": "bias"}.get(part, part)  # Of Keras's first releases.
            found[f"{layer}.{words.get(part, part.replace('moving', 'running'))}"] = np.asarray(item)

    with h5py.File(path) as file:
        file.visititems(visit)
    return found

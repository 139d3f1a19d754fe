"""A reader of slices in NumPy alone: the kernels of a task from its slice and those that it borrows from.

It is for programs without TensorFlow, such as an app that has one network and loads each task as a small file. This
module is self-contained and may be copied. Only low-bit slices (int4 and fewer, delta) need `pgtf.recipes` beside it.

    base = read("runs/many/tasks/01-labels")
    task = read("runs/many/tasks/02-maps")
    for path, array in weights(task, [base]).items():   # "forward/down1/kernel": [h, w, c_in, c_out]
        network[path] = array

A slice is a folder with slice.json and slice.safetensors. slice.json lists the tensors with shape, bits and precision,
the slices that it borrows from, and the facts of the task. A safetensors file is the length of a JSON header (8 bytes,
little-endian), the header, {name: {"dtype", "shape", "data_offsets"}}, and the arrays. Stored arrays are

    float32, float16
    int8              code × scale; the scales, one for each filter, are PATH:scales
    1 bit             packed bits, most significant first
    low bits          a stream of `pgtf.recipes.low_bit_bytes`
"""

import hashlib
import json
import math
import mmap
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

DTYPES = {"F32": "<f4", "F16": "<f2", "I8": "i1", "U8": "u1", "I32": "<i4", "BOOL": "?"}
Arrays = Mapping[str, np.ndarray]


class Slice(NamedTuple):
    """A task's slice.

    name: Name of the task. sha256: Hash of slice.safetensors. arrays: {path: array}, dequantized; bits are bool, or
    packed where the shape is that of packed bits. lent: Paths of the filters that later tasks borrow. borrows:
    [(task, sha256)] of the slices that it borrows from, in order. facts: The record of how the task was learned.
    """

    name: str
    sha256: str
    arrays: dict[str, np.ndarray]
    lent: frozenset[str]
    borrows: list[tuple[str, str]]
    facts: dict[str, Any]


def read(folder: str) -> Slice:
    """Reads a slice. Raises ValueError if the file of its tensors has changed since it was written.

    Args:
      folder: The task's folder, with slice.json and slice.safetensors.
    """
    with open(os.path.join(folder, "slice.json"), "rb") as file:
        description = json.load(file)
    with open(os.path.join(folder, "slice.safetensors"), "rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    sha256 = hashlib.sha256(content).hexdigest()
    if description["format"] < 2 or sha256 != description["sha256"]:
        raise ValueError(
            "A slice must have format 2 or newer, and be as it was written. "
            f"Received: {folder}, format {description['format']}, sha256 {sha256[:12]}…"
        )
    stored = _tensors(content)
    tensors = description["tensors"]
    arrays = {path: _restored(path, tensor, stored) for path, tensor in tensors.items()}
    lent = frozenset(path for path, tensor in tensors.items() if tensor["lent"])
    borrows = [(one["task"], one["sha256"]) for one in description["borrows"]]
    return Slice(description["name"], sha256, arrays, lent, borrows, description["facts"])


def weights(task: Slice, lenders: Sequence[Slice] = ()) -> dict[str, np.ndarray]:
    """Makes all weights of a task's networks: kernels, biases and norms.

    Kernels equal those that pgtf makes in TensorFlow to the bit, up to rounding of matrix products (mixed and low-rank
    kernels: 1e-6 of their size).

    Args:
      task: The task's slice.
      lenders: The slices that it borrows from, in the order of `task.borrows`.

    Returns:
      {"forward/down1/kernel": [h, w, c_in, c_out], "forward/down1/bias": [c_out], …}. TensorFlow and Keras store the
      kernels of transposed convolutions as [h, w, c_out, c_in].
    """
    if [(one.name, one.sha256) for one in lenders] != task.borrows:
        raise ValueError(f"The task borrows from {task.borrows}. Received: {[one.name for one in lenders]}")
    if task.facts["method"]["name"] == "progressive":
        raise ValueError(
            "Tasks of progressive networks hold several networks and can't be read. Received: --method=progressive"
        )
    layers: dict[str, dict[str, np.ndarray]] = {}
    for path, array in task.arrays.items():
        layer, name = path.rsplit("/", 1)
        layers.setdefault(layer, {})[name] = array
    kernels = {path.rsplit("/", 1)[0] for one in lenders for path in one.lent} | {
        path for path, own in layers.items() if "unconstrained" in own or "used" in own
    }
    made = {}
    for path in sorted(layers.keys() | kernels):
        own = layers.get(path, {})
        if path in kernels:
            made[f"{path}/kernel"] = _kernel(path, own, task, lenders)
            own = {name: own[name] for name in own if name == "bias"}
        made.update({f"{path}/{name}": array for name, array in own.items()})
    return made


def _kernel(path: str, own: Arrays, task: Slice, lenders: Sequence[Slice]) -> np.ndarray:
    """Makes one kernel [h, w, c_in, c_out] from the arrays that the task stores; their names identify the recipe."""
    if "used" in own:
        return _packed(path, own, lenders)
    if "mixing" not in own and "unconstrained" in own:
        return own["unconstrained"]
    method = task.facts["method"]
    bank = _bank(path, lenders, bool(method.get("share_bank")))
    if "mixing" in own:
        mixing = own["mixing"]
        if method.get("equal_steps"):
            mixing = mixing * np.float32(bank.shape[-1] ** -0.5 / 0.02)
        mixed = np.tensordot(bank, mixing, 1)
        return np.concatenate([own["unconstrained"], mixed], -1) if "unconstrained" in own else mixed
    if "free" in own:
        return np.concatenate([own["free"], bank[:, :, own["free"].shape[2] :]], 2)
    if "mask" in own:
        return bank * _signs(own["mask"], bank.shape)
    if "difference" in own:
        return bank + own["difference"]
    if "beta" in own:
        return bank * own["gamma"] + own["beta"]
    if "shift_left" in own:
        shift = (own["shift_left"] @ own["shift_right"]).reshape(bank.shape)
        if "scale_left" not in own:
            return bank + shift
        return bank * (1 + (own["scale_left"] @ own["scale_right"]).reshape(bank.shape)) + shift
    return bank


def _bank(path: str, lenders: Sequence[Slice], both: bool) -> np.ndarray:
    """Returns the filters that lenders lend to a layer, side by side. both: Those of both directions of CycleGAN."""
    _, name = path.split("/", 1)
    paths = (f"forward/{name}", f"backward/{name}") if both else (path,)
    return np.concatenate(
        [
            one.arrays[key]
            for layer in paths
            for one in lenders
            for key in sorted(one.lent)
            if key.rsplit("/", 1)[0] == layer
        ],
        -1,
    )


def _signs(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the factors of a mask: a plane of bits where it is 1 and, if it is ternary, one where it is -1."""
    planes = 2 if mask.size > math.ceil(math.prod(shape) / 8) else 1
    bits = np.unpackbits(mask, count=planes * math.prod(shape)).reshape(planes, *shape).astype("float32")
    return bits[0] - bits[1] if planes == 2 else bits[0]


def _packed(path: str, own: Arrays, lenders: Sequence[Slice]) -> np.ndarray:
    """Makes a kernel whose weights belong to several tasks (packnet, pae, cpg)."""
    values, taken = np.zeros(own["used"].shape, "float32"), np.zeros(own["used"].shape, bool)
    for part in ([one.arrays[f"{path}/{name}"] for name in ("used", "owned")] for one in lenders):
        if part[0].shape != taken.shape:
            raise ValueError(f"Networks that grew can't be read. Received: {path}, {part[0].shape} to {taken.shape}")
        new = part[0] & ~taken
        values[new] = part[1]
        taken |= new
    kernel, new = values * own["used"], own["used"] & ~taken
    kernel[new] = own["owned"]
    return kernel


def _tensors(content: mmap.mmap) -> dict[str, np.ndarray]:
    """Returns the arrays of a safetensors file, without a copy."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    found = {}
    for name, about in header.items():
        if name != "__metadata__":
            start, _ = about["data_offsets"]
            count = math.prod(about["shape"])
            flat = np.frombuffer(content, DTYPES[about["dtype"]], count, 8 + size + start)
            found[name] = flat.reshape(about["shape"])
    return found


def _restored(path: str, tensor: Mapping[str, Any], stored: Arrays) -> np.ndarray:
    """Returns an array as it is used: float32, int or bool."""
    value, precision = stored[path], tensor.get("rounded", "")
    if "bytes" in tensor:
        from pgtf.storage import quantization

        return quantization.decoded(value, tuple(tensor["shape"]), precision)
    if precision == "int8":
        return value.astype("float32") * stored[f"{path}:scales"]
    if precision == "float16":
        return value.astype("float32")
    if tensor["bits"] == 1:
        return np.unpackbits(value, count=math.prod(tensor["shape"])).reshape(tensor["shape"]).astype(bool)
    return value

"""Cache of arrays on disk, keyed by the facts that they are computed from."""

import hashlib
import json
import os
from typing import Callable

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pgtf.foundation import files

DIGEST = 32  # Bytes of the hash at the start of a file.


def load_or_compute(folder: str, facts: dict, make: Callable[[], dict]) -> dict:
    """Reads {name: array} for these facts, or computes and stores them. Replaces a damaged file."""
    key = json.dumps(facts, sort_keys=True).encode()
    path = os.path.join(folder, f"{files.sha256(key)[:32]}.arrays")
    arrays = _read(path, key)
    if arrays is None:
        made = {name: np.ascontiguousarray(value) for name, value in make().items()}
        arrays = _read(path, key)  # Another process may have stored them meanwhile. All use the same arrays.
        if arrays is None:
            arrays, body = made, save(made)
            files.write(path, _digest(key, body) + body)
    return arrays


def _read(path, key):
    try:
        with open(path, "rb") as file:
            digest, body = file.read(DIGEST), file.read()
        return load(body) if digest == _digest(key, body) else None
    except (FileNotFoundError, SafetensorError):
        return None


def _digest(key, body):
    """Hashes the facts too, to detect a file under a wrong name."""
    return hashlib.sha256(key + b"\0" + body).digest()

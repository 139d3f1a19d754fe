"""Arrays on disk that are made once for the facts they follow from."""

import hashlib
import json
import os
from typing import Callable

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pgtf.foundation import files

DIGEST = 32  # bytes at the head of a file


def load_or_compute(folder: str, facts: dict, make: Callable[[], dict]) -> dict:
    """The arrays {name: array} of these facts: read back, or made and kept; a file that is not whole is made anew."""
    key = json.dumps(facts, sort_keys=True).encode()
    path = os.path.join(folder, f"{files.sha256(key)[:32]}.arrays")
    arrays = _read(path, key)
    if arrays is None:
        made = {name: np.ascontiguousarray(value) for name, value in make().items()}
        arrays = _read(path, key)  # What another process made meanwhile is kept: all go on with the same.
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
    """Of what the arrays follow from as well, so that a file under another's name is noticed."""
    return hashlib.sha256(key + b"\0" + body).digest()

"""JSON that holds the sha256 of its own content.

Detects accidents (an edit by hand, a file of another run), not intent: a person can edit the data and the hash.
"""

import json
from collections.abc import Mapping
from typing import Any

from pgtf.foundation import files

KEY = "own_sha256"


def with_own_hash(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Returns plain data with its sha256 added."""
    return {**plain, KEY: _digest(plain)}


def check_own_hash(plain: Mapping[str, Any]) -> None:
    """Raises ValueError if the data do not match their sha256. Accepts data of older versions without a sha256."""
    if KEY in plain and plain[KEY] != _digest(plain):
        raise ValueError("the file was changed since it was written: its sha256 differs")


def _digest(plain: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in plain.items() if key != KEY}
    return files.sha256(json.dumps(rest, sort_keys=True).encode())

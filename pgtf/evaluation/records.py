"""Stored measurements on disk, found by the facts that they depend on, so that none is repeated."""

import json
import os
from collections.abc import Mapping
from typing import Any, Callable, Optional

from pgtf.foundation import files
from pgtf.metrics.measurements import Measurement


class Records:
    """A folder with one file for each set of measurements.

    The hash in each file detects accidents, not intent: a person can edit the file and its hash.

    Args:
      folder: Folder of the files.
      say: Function that prints a message about an unusable file.
    """

    def __init__(self, folder: str, say: Callable[[str], Any] = lambda text: None):
        self.folder, self.say = folder, say

    def read(self, facts: Mapping[str, Any]) -> Optional[dict[str, Measurement]]:
        """Reads {name: Measurement} for these facts; None if there is no file or it is damaged."""
        path = self._path(facts)
        try:
            with open(path, "rb") as file:
                record = json.load(file)
            # Compare after a round trip, because JSON turns tuples into lists.
            if record["of"] != json.loads(json.dumps(facts)):
                raise ValueError("the file is of another measurement")
            if record.get("sha256") not in (None, _sha256(record["figures"])):  # Older records have no hash.
                raise ValueError("the file was changed since it was written: its sha256 differs")
            return {plain["name"]: Measurement.from_facts(plain) for plain in record["figures"]}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            self.say(f"Figures on record are not used: {error}. Received: {path}")
            return None

    def write(self, facts: Mapping[str, Any], figures: Mapping[str, Measurement]) -> None:
        """Stores measurements under the facts that they depend on."""
        plain = [figure.facts for figure in figures.values()]
        record = {"of": facts, "figures": plain, "sha256": _sha256(plain)}
        files.write(self._path(facts), json.dumps(record, indent=1, allow_nan=False).encode())

    def _path(self, facts: Mapping[str, Any]) -> str:
        key = files.sha256(json.dumps(facts, sort_keys=True).encode())
        return os.path.join(self.folder, f"{key[:32]}.json")


def _sha256(plain: list[dict[str, Any]]) -> str:
    """Hashes measurements as JSON data."""
    return files.sha256(json.dumps(plain, sort_keys=True).encode())

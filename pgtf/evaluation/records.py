"""Figures on disk, by what they follow from: what has been measured is not measured again."""

import json
import os
from collections.abc import Mapping
from typing import Any, Callable, Optional

from pgtf.foundation import files
from pgtf.metrics.measurements import Measurement


class Records:
    """A folder with a file of figures for each thing that was measured.

    The hash in each file guards against accident, not against intent: whoever edits can hash anew.

    Args:
      folder: Where the files lie.
      say: Is told of a file that can't be used.
    """

    def __init__(self, folder: str, say: Callable[[str], Any] = lambda text: None):
        self.folder, self.say = folder, say

    def read(self, facts: Mapping[str, Any]) -> Optional[dict[str, Measurement]]:
        """{name: Measurement} of what was measured under these facts; None where no file is as it was written."""
        path = self._path(facts)
        try:
            with open(path, "rb") as file:
                record = json.load(file)
            # Facts as JSON has them: it knows no tuples.
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
        """Keeps figures under the facts that they follow from."""
        plain = [figure.facts for figure in figures.values()]
        record = {"of": facts, "figures": plain, "sha256": _sha256(plain)}
        files.write(self._path(facts), json.dumps(record, indent=1, allow_nan=False).encode())

    def _path(self, facts: Mapping[str, Any]) -> str:
        key = files.sha256(json.dumps(facts, sort_keys=True).encode())
        return os.path.join(self.folder, f"{key[:32]}.json")


def _sha256(plain: list[dict[str, Any]]) -> str:
    """Hash of figures as plain data."""
    return files.sha256(json.dumps(plain, sort_keys=True).encode())

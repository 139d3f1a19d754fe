"""Figures on disk, by what they follow from: what has been measured is not measured again."""

import json
import os
from collections.abc import Mapping
from typing import Any, Optional

from pgtf import files
from pgtf.evaluation.figures import Figure


class Records:
    """A folder with a file of figures for each thing that was measured."""

    def __init__(self, folder: str):
        self.folder = folder

    def read(self, facts: Mapping[str, Any]) -> Optional[dict[str, Figure]]:
        """{name: Figure} of what was measured under these facts; None where nothing was, or the file is not whole."""
        try:
            with open(self._path(facts), "rb") as file:
                record = json.load(file)
            # Facts as JSON has them: it knows no tuples.
            if record["of"] != json.loads(json.dumps(facts)):
                return None
            if record.get("sha256") not in (None, _sha256(record["figures"])):  # Older records have no hash.
                return None
            return {plain["name"]: Figure.from_facts(plain) for plain in record["figures"]}
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def write(self, facts: Mapping[str, Any], figures: Mapping[str, Figure]) -> None:
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

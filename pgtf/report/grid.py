"""Draws a grid of images that compares several runs on the same inputs."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pgtf.report import plots
from pgtf.report.content import Comparison, Picture, SameInput

SIDE = 128  # Pixels of a cell.
GAP = 6
_MISSING = np.full([SIDE, SIDE, 3], 255, "uint8")


def grid(compared: Comparison) -> bytes:
    """Returns a PNG file with a row for each task that two runs share, and columns: input, target, each run."""
    runs = [run.name for run in compared.runs]
    firsts: dict[str, SameInput] = {}
    for one in (each for each in compared.inputs if len(each.outputs) > 1):
        firsts.setdefault(one.task, one)
    if not firsts:
        raise ValueError(f"Runs in one grid need a task of the same name. Received: {', '.join(runs)}, which have none")
    rows = [[one.picture, one.target, *(one.outputs.get(run) for run in runs)] for one in firsts.values()]
    heads = ["input", "target", *runs]
    if all(one.target is None for one in firsts.values()):
        heads.pop(1)
        rows = [[picture, *outputs] for picture, _, *outputs in rows]
    cells = np.stack([[cell(one) for one in row] for row in rows])
    return plots.png_file(plots.picture_table(cells, list(firsts), heads, GAP))


def cell(picture: Picture | None) -> Picture:
    """Fits an image into a square. Returns a white square for None."""
    if picture is None:
        return _MISSING
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    few = scale > 1  # Pixels stay squares, as in the page.
    small = Image.fromarray(picture).resize(size, Image.Resampling.NEAREST if few else Image.Resampling.LANCZOS)
    cell, (left, top) = _MISSING.copy(), ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2)
    cell[top : top + size[1], left : left + size[0]] = small
    return cell

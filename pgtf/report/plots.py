"""Plots as matplotlib figures, for light and dark pages and for TensorBoard."""

from __future__ import annotations

import contextlib
import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

from pgtf.report.markup import Markup, element

# These two are colours of the page's own, once a figure is in it.
INK, LINE = "#1d2733", "#c9ced6"
# These are seen on white and on black.
MAIN, SECOND = "#2b8a9e", "#d9822b"
DPI = 110  # Of a figure as a picture.
UNLIKE = 20  # The ratio of sizes from which a plot has a logarithmic scale.
FEW = 6  # Points of a plot whose names have room side by side.
# Of a name beside its point: (offset, alignment), the best first.
PLACES: tuple[tuple[tuple[int, int], dict[str, Any]], ...] = (
    ((6, 5), {}),
    ((6, -4), {"va": "top"}),
    ((-6, 5), {"ha": "right"}),
    ((-6, -4), {"ha": "right", "va": "top"}),
    ((10, 0), {"va": "center"}),
    ((0, 8), {"ha": "center"}),
    ((0, -7), {"ha": "center", "va": "top"}),
    ((6, 16), {}),
    ((6, -15), {"va": "top"}),
)
POINTS = 200  # Of a curve; more of them nobody sees.
_STYLE = {
    "svg.fonttype": "none",  # Text stays text.
    "svg.hashsalt": "pgtf",
    "text.parse_math": False,  # Names may hold dollars.
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.alpha": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def curve(name: str, steps: Sequence[int], values: Sequence[float]) -> Figure:
    """Plots a loss or metric over the steps, thinned to the resolution of the plot."""
    with _figure(3.4, 1.9) as figure:
        axes = figure.add_subplot()
        axes.plot(*thinned(steps, values), color=MAIN, linewidth=1.4)
        axes.set_title(name, loc="left")
        axes.set_xlabel("step")
        axes.grid(axis="y")
        axes.set_xlim(0, max(*steps, 1))
        axes.locator_params(nbins=5)
    return figure


def thinned(steps: Sequence[int], values: Sequence[float], points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Thins a curve to a maximum number of points: means over intervals of equal length."""
    stretches = min(points, len(steps))
    parts = [np.array_split(np.asarray(line, "float64"), stretches) for line in (steps, values)]
    first, second = (np.array([part.mean() for part in line]) for line in parts)
    return first, second


def heat_map(values: np.ndarray, tasks: Sequence[str], sign: int, bounds: tuple[float, float] | None = None) -> Figure:
    """Plots a metric of each task at each time as a heat map. Brighter is better.

    Args:
      values: float [task, time], NaN for unknown values.
      tasks: Names.
      sign: +1 if higher is better, -1 if lower is better.
      bounds: The worst and the best value, the ends of one scale. Without them each row has its own scale, as
        values of different tasks can't be compared: the row's best value is brightest, a value twice as bad darkest.

    Returns:
      A figure.
    """
    count = len(tasks)
    with _figure(1.6 + 0.75 * count, 0.9 + 0.42 * count) as figure:
        axes = figure.add_subplot()
        shown = _brightness(np.ma.masked_invalid(values), sign, bounds)
        axes.imshow(shown, cmap="viridis", aspect="auto", alpha=0.9, vmin=0, vmax=1)
        for row, column in zip(*np.nonzero(np.isfinite(values))):
            colour = "#111111" if shown[row, column] > 0.5 else "#ffffff"
            axes.text(column, row, short(values[row, column]), ha="center", va="center", color=colour)
        axes.set_xticks(
            range(count), [_cut(name, 10) for name in tasks], rotation=30, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(count), [_cut(name, 16) for name in tasks])
        axes.set_xlabel("after learning")
        axes.set_ylabel("task")
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def _brightness(values: np.ma.MaskedArray, sign: int, bounds: tuple[float, float] | None) -> np.ma.MaskedArray:
    """Maps values to brightness, from 0 (worst) to 1 (best)."""
    if bounds:
        worst, best = bounds
        return np.ma.clip((values - worst) / (best - worst), 0, 1)
    good = sign * values
    best = good.max(axis=1, keepdims=True)
    lost = best - good
    return np.ma.clip(1 - lost / np.ma.maximum(np.abs(best), 1e-12), 0, 1)


def stored(tasks: Sequence[str], stored_bytes: Sequence[float], full_bytes: Sequence[float]) -> Figure:
    """Plots the stored bytes of each task in front of those of a full network."""
    with _figure(4.8, 0.7 + 0.34 * len(tasks)) as figure:
        axes = figure.add_subplot()
        places = range(len(tasks))
        axes.barh(places, [value / 1e6 for value in full_bytes], color=LINE, height=0.66)
        axes.barh(places, [value / 1e6 for value in stored_bytes], color=MAIN, height=0.66)
        for place, part, whole in zip(places, stored_bytes, full_bytes):
            share = f" ({part / whole:.0%})" if whole else ""
            label = f"{part / 1e6:.3g} MB{share}"
            axes.annotate(label, (max(part, whole) / 1e6, place), (6, 0), textcoords="offset points", va="center")
        axes.set_yticks(places, [_cut(name, 24) for name in tasks])
        axes.invert_yaxis()
        axes.set_xlabel("MB")
        axes.margins(x=0.34)
        axes.set_xlim(left=0)
        axes.grid(axis="x")
    return figure


def frontier(
    names: Sequence[str],
    sizes: Sequence[float],
    values: Sequence[float],
    title: str,
    sizes_title: str,
    ranges: Sequence[tuple[float, float]] = (),
) -> Figure:
    """Plots runs by stored bytes and distance to real images. Lower and further left is better.

    Sizes have a logarithmic scale if there are many runs or sizes differ much. With many runs, the names of those on
    the frontier are emphasized. ranges: Lowest and highest value of repeated measurements.
    """
    points = sorted(zip(sizes, values, names))
    many = len(points) > FEW
    best, line = math.inf, []
    for size, value, _ in points:
        if value < best:
            best = value
            line.append((size, value))
    with _figure(*((9.0, 5.6) if many else (5.6, 3.4))) as figure:
        axes = figure.add_subplot()
        axes.step(*zip(*line), where="post", color=LINE, zorder=1)
        axes.scatter([size for size, _, _ in points], [value for _, value, _ in points], color=MAIN, zorder=2)
        if ranges:
            axes.vlines(sizes, *zip(*ranges), color=MAIN, alpha=0.35, linewidth=2, zorder=1)
        if many or 0 < UNLIKE * min(sizes) < max(sizes):
            axes.set_xscale("log")
            ticks = [tick for tick in (0.1, 0.3, 1, 3, 10, 30, 100, 300) if tick > min(sizes) / 2]
            axes.set_xticks(ticks, map(str, ticks))
        axes.set_xlabel(sizes_title)
        axes.set_ylabel(title)
        axes.margins(0.2)
        axes.grid()
        faint: dict[str, Any] = {"fontsize": "small", "alpha": 0.6} if many else {}
        with _quiet():
            longest = 50 if many else 40
            looks = [{} if (size, value) in line else faint for size, value, _ in points]
            _name(figure, [(x, y, _cut(name, longest), look) for (x, y, name), look in zip(points, looks)])
    return figure


def _name(figure: Figure, points: Sequence[tuple[float, float, str, dict[str, Any]]]) -> None:
    """Writes names beside points (x, y, name, look) without overlaps, the prominent ones first."""
    figure.draw_without_rendering()  # Which settles where all is.
    (axes,) = figure.axes
    renderer = FigureCanvasAgg(figure).get_renderer()
    # A name right beside another point seems to be that one's.
    beside = [
        Bbox.from_bounds(x - 14, y - 5, 28, 10) for x, y in axes.transData.transform([each[:2] for each in points])
    ]
    names: list[Bbox] = []
    for own, (x, y, name, look) in sorted(enumerate(points), key=lambda each: len(each[1][3])):
        taken = [*names, *beside[:own], *beside[own + 1 :]]
        for left, (place, align) in zip(reversed(range(len(PLACES))), PLACES):
            label = axes.annotate(name, (x, y), place, textcoords="offset points", **align, **look)
            box = label.get_window_extent(renderer)
            if not left or not any(box.overlaps(other) for other in taken):
                break
            label.remove()
        names.append(box)


def picture_table(cells: np.ndarray, rows: Sequence[str], columns: Sequence[str], gap: int) -> Figure:
    """Joins images uint8 [row, column, side, side, 3] to a table with names of rows and columns."""
    count, across, side = cells.shape[:3]
    pitch = side + gap
    whole = np.full([count * pitch - gap, across * pitch - gap, 3], 255, "uint8")
    for row, column in np.ndindex(count, across):
        whole[row * pitch : row * pitch + side, column * pitch : column * pitch + side] = cells[row, column]
    with _figure(0.9 + whole.shape[1] / DPI, 0.4 + whole.shape[0] / DPI) as figure:
        axes = figure.add_subplot()
        axes.imshow(whole, interpolation="none")
        axes.set_xticks([column * pitch + side / 2 for column in range(across)], [_cut(name, 18) for name in columns])
        axes.set_yticks([row * pitch + side / 2 for row in range(count)], [_cut(name, 16) for name in rows])
        axes.xaxis.tick_top()
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def svg(figure: Figure, text: str, prefix: str) -> Markup:
    """Converts a figure to an svg element with the page's colours and font.

    Args:
      figure: A figure of this module.
      text: Alternative text.
      prefix: Prefix of its ids, different for each figure of a page.
    """
    content = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with _quiet():
        figure.savefig(content, format="svg", transparent=True, metadata=nothing)
    source = content.getvalue()
    inner = re.sub(r"<style.*?</style>", "", source[source.index(">", source.index("<svg")) + 1 :], flags=re.DOTALL)
    inner = re.sub(r">\s+<", "><", inner.replace("</svg>", "")).strip()
    inner = re.sub(r"font-family:[^;\"]*;? ?", "", inner).replace(INK, "currentColor").replace(LINE, "var(--line)")
    inner = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", inner)
    width, height = figure.get_size_inches() * 72
    return element(
        "svg",
        Markup(inner),
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=text,
        style=f"width:{width * 4 / 3:.0f}px;--least:{width:.0f}px",
        class_="plot",
    )


def png(figure: Figure) -> np.ndarray:
    """Renders a figure on white, uint8 [h, w, 3]."""
    content = io.BytesIO()
    with _quiet():
        figure.savefig(content, format="png", dpi=DPI, facecolor="white")
    content.seek(0)
    return np.rint(255 * matplotlib.image.imread(content)[:, :, :3]).astype("uint8")


def png_file(figure: Figure) -> bytes:
    """Renders a figure on white as a PNG file."""
    content = io.BytesIO()
    Image.fromarray(png(figure)).save(content, "PNG", optimize=True)
    return content.getvalue()


def short(value: float) -> str:
    """Formats a number with three digits."""
    return f"{value:.3g}"


def _cut(name: str, longest: int) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


@contextlib.contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    """Creates a figure of this size in inches, independent of the screen, in the common style."""
    with matplotlib.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # A browser has letters that matplotlib's own font lacks.
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield

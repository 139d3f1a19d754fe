"""Plot of costs over the number of tasks."""

import collections
import os

import matplotlib.figure

COLOURS = {"all": "tab:blue", "last:2": "tab:orange", "first": "tab:green"}


def runs_of(found):
    """Lists the measured runs: [(number of tasks, figures)]."""
    return [(measurement["tasks"], figures) for measurement, figures in found if measurement["benchmark"] == "many"]


def plot(found, path):
    """Writes the plot. Returns its path, or None if no runs were measured."""
    if not runs_of(found):
        return None
    figure = matplotlib.figure.Figure(figsize=(8, 5), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(2, 2).flat, _curves(found).items()):
        for name, points in curves.items():
            axes.plot(*zip(*sorted(points)), marker="o", label=name, color=COLOURS[name])
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylim(0, 1.15 * max(value for points in curves.values() for _, value in points))
        axes.locator_params(axis="x", integer=True)
        axes.set_xlabel("tasks")
        axes.grid(alpha=0.3)
        axes.legend(title="--borrow_from", fontsize=8, title_fontsize=8)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    return path


def _curves(found):
    """Returns {title: {value of --borrow_from: [(number of tasks, value)]}}."""
    curves: dict[str, dict[str, list]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for tasks, figures in runs_of(found):
        for lenders, share in figures["shares"].items():
            curves["the last task stores,\n% of a full network"][lenders].append((tasks, 100 * share))
        curves["to open one and answer ÷ one of 2"]["first"].append((tasks, figures["open"]["ratio"]))
        curves["memory of that, GiB"]["first"].append((tasks, figures["peak_gib"]))
    for measurement, figures in found:
        what = [measurement.get(name) for name in ("benchmark", "network", "precision", "batch")]
        if what == ["steps", "unet", "float32", 1]:
            # Task 2 can only borrow from the first.
            for lenders in ["all", "first"] if measurement["task"] == 2 else [measurement.get("borrow_from", "all")]:
                curves["its step ÷ full, batch 1"][lenders].append((measurement["task"], figures["chosen"]["ratio"]))
    return curves

"""Writes the report of a run, and the comparison of several runs."""

import dataclasses
import os
from collections.abc import Sequence

from pgtf.foundation import files
from pgtf.foundation.logger import LOG
from pgtf.report.collect import Collector
from pgtf.report.content import Comparison, ReportedRun, SameInput
from pgtf.report.grid import grid
from pgtf.report.page import compare_page, page
from pgtf.report.page_cache import PageCache
from pgtf.report.run_summaries import write_run_summaries
from pgtf.storage import run_paths

INPUTS_COMPARED = 2  # Of each task.


def report(run_dir: str, others: Sequence[str] = (), grid_path: str = "") -> str:
    """Writes the report of a run, and a page that compares it with others.

    Args:
      run_dir: The run's folder. The report is written to run_dir/report.
      others: Runs to compare, in compare.html beside the report.
      grid_path: PNG file to write with the outputs of all runs for the same inputs. Default: none.

    Returns:
      The path of the report, or of the comparison if there are other runs.
    """
    if grid_path and not others:
        raise ValueError(f"--grid compares several runs: add --compare=OTHER_RUN. Received: {run_dir} alone")
    cache = PageCache(files.inside(run_dir, run_paths.REPORT, run_paths.PARTS))
    collectors = [Collector(each, cache) for each in (run_dir, *others)]
    run = collectors[0].run()
    path = page_of(run_dir)
    files.write(path, page(run, cache).encode())
    if others:
        compared = _compared(collectors, run)
        if grid_path:
            files.write(grid_path, grid(compared))
        path = os.path.join(run_dir, run_paths.REPORT, run_paths.COMPARISON)
        files.write(path, compare_page(compared, cache).encode())
    cache.remove_unused()
    return path


def update_report(run_dir: str, tensorboard: bool = False) -> str:
    """Updates the report of a run in training. Errors are printed and do not stop the training.

    Args:
      run_dir: The run's folder.
      tensorboard: Whether to write TensorBoard summaries too.

    Returns:
      The path of the page.
    """
    try:
        cache = PageCache(files.inside(run_dir, run_paths.REPORT, run_paths.PARTS))
        collector = Collector(run_dir, cache)
        run = collector.run()
        if tensorboard and collector.config:
            write_run_summaries(run, collector.config.flat())
        files.write(page_of(run.folder), page(run, cache).encode())
        cache.remove_unused()
        return page_of(run.folder)
    except Exception as error:
        LOG.warning(f"the report was not updated: {type(error).__name__}: {error}")
        return page_of(run_dir)


def page_of(run_dir: str) -> str:
    """Returns the path of a run's report."""
    return os.path.join(run_dir, run_paths.REPORT, run_paths.PAGE)


def _compared(collectors: list[Collector], first: ReportedRun) -> Comparison:
    runs = [first, *(collector.run(through=False) for collector in collectors[1:])]
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        runs = [dataclasses.replace(run, name=run.folder) for run in runs]
    inputs = []
    for task in dict.fromkeys(name for collector in collectors for name in collector.bank.names):
        able = [
            (run.name, each, each.bank.names.index(task))
            for run, each in zip(runs, collectors)
            if task in each.bank.names
        ]
        # The pictures are those of the first run that still has them.
        _, source, index = next((one for one in able if one[1].inputs(one[2])), able[0])
        pictures, targets = source.inputs(index)[:INPUTS_COMPARED], source.targets(index)
        outputs = {name: each.answers(place, pictures) for name, each, place in able} if pictures else {}
        for place, picture in enumerate(pictures):
            target = targets[place] if targets else None
            inputs.append(SameInput(task, picture, target, {name: made[place] for name, made in outputs.items()}))
    return Comparison(tuple(runs), tuple(inputs))

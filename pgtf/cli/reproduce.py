"""Reproduces the tables of Piggyback GAN, Piggyback masks, CPG and width-wise sharing, and the frontier of quality.

    pgtf reproduce --dry_run --data_dir=DATA --inception=FOLDER    print the missing experiments and their time
    pgtf reproduce --data_dir=DATA --inception=FOLDER              run all experiments
    pgtf reproduce --table=3 --data_dir=DATA --inception=FOLDER    run those of one table
    pgtf reproduce --preset=fair --data_dir=DATA --inception=FOLDER    the comparison with fine-tuned networks
    pgtf reproduce --preset=fair --table=quality --row="fine-tuned copy" --seeds=0,1,2    one row of a table
    pgtf reproduce --table=masks-2 --data_dir=DATA --first_task_from=WEIGHTS    classifiers on one backbone
    pgtf reproduce --table=width-1 --data_dir=DATA --inception=FOLDER    generated images of further domains
    pgtf reproduce --redraw                                        write the page from results/ without training

Each experiment is a run directory named for its settings. It is trained once, even if several tables need it. Its
results are stored in --results, and then the tables no longer need the run. The same command resumes after a stop.
Several processes with the same --runs and --results share the work. A result of other images or of another feature
extractor is left out, and the page gives the reason.
"""

import dataclasses
import os

from absl import flags

from pgtf.experiments.paper.presets import PRESETS
from pgtf.foundation import quiet

OF_CLASSIFIERS = ("masks-2", "masks-4", "masks-5", "masks-7", "cpg-1", "cpg-2")
OF_GENERATORS = ("width-1", "width-2")
ON_REQUEST = {*OF_CLASSIFIERS, *OF_GENERATORS}
NAMES = (
    "1",
    "2",
    "3",
    "4a",
    "4b",
    *OF_CLASSIFIERS,
    *OF_GENERATORS,
    "rates",
    "budgets",
    "choice",
    "quality",
    "finished",
)
flags.DEFINE_multi_enum(
    "table",
    [],
    NAMES,
    "Table. Repeat it for several. 1 to 4b are Piggyback GAN's, masks- those of Piggyback masks, cpg- those of CPG, "
    "width- those of width-wise sharing; the others need --preset=fair. Default: all of the preset but masks-, cpg-, "
    "width-.",
)
flags.DEFINE_multi_string("row", [], "Row of the tables, by its title. Repeat it for several. Default: all.")
flags.DEFINE_multi_enum("figure", [], ("3",), "Figure of the paper.")
flags.DEFINE_bool("better", False, "Run the table of variants of piggyback.")
flags.DEFINE_bool("frontier", False, "Run the plot of distance over bytes, every method at several sizes.")
flags.DEFINE_enum(
    "preset", "mini", tuple(PRESETS), "; ".join(f"{name}: {one.meaning}" for name, one in PRESETS.items())
)
flags.DEFINE_list("seeds", ["0", "1"], "Random seeds. Each row runs once with each.")
flags.DEFINE_string("data_dir", "", "Folder with one folder per task. Default: drawn images, which show no quality.")
flags.DEFINE_string("inception", "", "Inception network for FID. Default: distances of a classifier's features (FCD).")
flags.DEFINE_string(
    "first_task_from", "", "Backbone of the masks- tables with real images: a file of weights, as for `pgtf train`."
)
flags.DEFINE_string("runs", "runs/reproduce", "Folder for the run directories.")
flags.DEFINE_string("results", "results", "Folder for the results.")
flags.DEFINE_string(
    "page", "", "File for the tables. Default: RESULTS.md of preset mini, RESULTS/PRESET/README.md of the others."
)
flags.DEFINE_bool("dry_run", False, "Print the missing experiments and their time, and exit.")
flags.DEFINE_bool("redraw", False, "Write the page from stored results, without training.")
STOPPED = "Learned tasks are kept. Run the same command again to resume."


def main(_):
    quiet.import_tensorflow()
    import tensorflow as tf

    from pgtf.experiments.paper import classifiers, fair, generators, tables
    from pgtf.experiments.paper.pages import write_page
    from pgtf.experiments.paper.results import Results
    from pgtf.experiments.paper.runner import ExperimentRunner

    given = flags.FLAGS
    preset, seeds = PRESETS[given.preset], _seeds(given.seeds)
    folder = os.path.join(given.results, preset.name)

    def tables_of(seeds):
        if preset.name == "fair":
            return fair.tables(preset, seeds)
        return {
            **tables.tables(preset, seeds),
            **tables.shown(classifiers.tables, preset, seeds, folder, _drawn(given, OF_CLASSIFIERS)),
            **tables.shown(generators.tables, preset, seeds, folder, _drawn(given, OF_GENERATORS)),
        }

    every = tables_of(seeds)
    chosen = _chosen(given, every)
    experiments = [experiment for table in chosen.values() for row in table.rows for experiment in row.experiments]
    results = Results(folder, _wanted(given, tuple({experiment.kind for experiment in experiments})))
    sources = {"data_dir": given.data_dir, "inception": given.inception, "weights": given.first_task_from}
    runner = ExperimentRunner(preset, results, given.runs, **sources)
    if given.dry_run:
        print(runner.plan(experiments))
        return
    tf.config.set_visible_devices([], "GPU")  # Leave the GPUs to the subprocesses that train.
    wanted = [] if given.redraw else experiments
    runner.check_inputs(wanted)
    try:
        runner.run(wanted)
    finally:
        every = tables_of(sorted({*seeds, *results.seeds()}))  # The page shows all stored results.
        if not given.redraw:
            _write_intervals(given, runner, {name: every[name] for name in chosen})
        page = given.page or ("RESULTS.md" if preset.name == "mini" else os.path.join(results.folder, "README.md"))
        write_page(page, preset, every, results)
        print(f"\n{page}")


def _chosen(given, every):
    """Returns the tables that the flags select. Default: all of the preset."""
    names = [*given.table, *(f"figure {name}" for name in given.figure)]
    names += [name for name in ("better", "frontier") if given[name].value]
    unknown = [name for name in names if name not in every]
    if unknown:
        raise ValueError(
            f"Preset {given.preset} has no such table. It has {', '.join(every)}. Received: {', '.join(unknown)}"
        )
    chosen = {name: _with_rows(every[name], given.row) for name in names or every if names or name not in ON_REQUEST}
    if not any(table.rows for table in chosen.values()):
        raise ValueError(f"The chosen tables have no such --row. Received: {', '.join(given.row)}")
    return chosen


def _with_rows(table, titles):
    """Returns a table with only the rows of these titles. Default: all."""
    return dataclasses.replace(table, rows=tuple(row for row in table.rows if not titles or row.title in titles))


def _drawn(given, names):
    """Returns whether the tables of these names have drawn images; None: as in the stored results."""
    return not given.data_dir if set(given.table) & set(names) and not given.redraw else None


def _write_intervals(given, runner, tables):
    """Computes confidence intervals of the tables that have a reference row, from the run directories."""
    from pgtf.evaluation.run_evaluation import extractor_of
    from pgtf.experiments.paper import comparison
    from pgtf.experiments.paper.pages import comparable
    from pgtf.experiments.paper.samples import SampleReader
    from pgtf.runs.run import Run

    extractor = extractor_of(given.inception)
    if extractor is None:
        return  # A classifier's features say nothing about quality.
    reader = SampleReader(extractor, "test", os.path.join(given.runs, "kept"), given.data_dir)

    def read(experiment, task):
        run = Run(runner.folder(experiment))
        return dataclasses.replace(reader, split=experiment.split)(run, experiment.name_in_run(task))

    for name, table in tables.items():
        if table.reference:
            experiments = [experiment for row in table.rows for experiment in row.experiments]
            known, _ = comparable(experiments, runner.results)
            readable = {one.name for one in experiments if os.path.isdir(runner.folder(one))}
            path = comparison.intervals_path(runner.results.folder, name)
            comparison.write_intervals(path, table, known, read, readable)


def _wanted(given, kinds):
    """Returns the data and the extractor that results of these kinds must come from.

    With --redraw, and for other kinds of images, they are the most frequent ones among the stored results.
    """
    from pgtf.evaluation.run_evaluation import extractor_of
    from pgtf.experiments.paper.identity import CLASSIFIER, Wanted, extractor_identity

    extractor = extractor_of(given.inception)
    identity = extractor_identity(extractor.facts) if extractor else "" if given.redraw else CLASSIFIER
    return Wanted(given.data_dir or (None if given.redraw else ""), identity, kinds)


def _seeds(texts):
    if not texts or len(set(texts)) < len(texts) or not all(text.isdecimal() for text in texts):
        raise ValueError(
            f"--seeds must be different whole numbers from 0, such as --seeds=0,1. Received: {','.join(texts)}"
        )
    return [int(text) for text in texts]

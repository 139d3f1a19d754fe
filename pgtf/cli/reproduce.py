"""Redoes the tables and figures of Piggyback GAN (Zhai et al., ECCV 2020), and the frontier of quality over bytes.

    pgtf reproduce --dry_run --data_dir=DATA --inception=FOLDER    what would be learnt, and how long
    pgtf reproduce --data_dir=DATA --inception=FOLDER              all of it
    pgtf reproduce --table=3 --data_dir=DATA --inception=FOLDER    one table
    pgtf reproduce --redraw                                        the page again, from results/ alone

Each run is a piece: a run directory named for its settings, learnt once however many tables need it. The figures of a
finished piece stay in --results, so that the tables need the runs no more. The same command again goes on; several at
once, with the same --runs and --results, share the work. A result of other images, or measured by another network,
does not count, and the page says why.
"""

import os

from absl import flags

from pgtf.experiments.paper.presets import PRESETS

NAMES = ("1", "2", "3", "4a", "4b")
flags.DEFINE_multi_enum("table", [], NAMES, "A table of the paper; may be given several times.")
flags.DEFINE_multi_enum("figure", [], ("3",), "A figure of the paper.")
flags.DEFINE_bool("better", False, "Better than Full: what was tried for it, one thing at a time.")
flags.DEFINE_bool("frontier", False, "Distance over bytes, every method at several sizes.")
flags.DEFINE_enum(
    "preset", "mini", tuple(PRESETS), "; ".join(f"{name}: {one.meaning}" for name, one in PRESETS.items())
)
flags.DEFINE_list("seeds", ["0", "1"], "The seeds of each row.")
flags.DEFINE_string("data_dir", "", "Folder with one folder per task; empty: drawn stand-ins, which show nothing.")
flags.DEFINE_string("inception", "", "The network of FID; without it, distances are in a classifier's features (FCD).")
flags.DEFINE_string("runs", "runs/reproduce", "Folder for the run directories.")
flags.DEFINE_string("results", "results", "Folder for what is kept of them.")
flags.DEFINE_string("page", "RESULTS.md", "Where the tables are written.")
flags.DEFINE_bool("dry_run", False, "Only say what would be learnt.")
flags.DEFINE_bool("redraw", False, "Only write the page.")
STOPPED = "What is learnt stays; the same command goes on."


def main(_):
    import tensorflow as tf  # Only once the flags are good.

    from pgtf.experiments.paper.pages import write_page
    from pgtf.experiments.paper.results import Results
    from pgtf.experiments.paper.runner import ExperimentRunner
    from pgtf.experiments.paper.tables import tables

    asked = flags.FLAGS
    preset, seeds = PRESETS[asked.preset], _seeds(asked.seeds)
    every = tables(preset, seeds)
    names = [*asked.table, *(f"figure {name}" for name in asked.figure)]
    names += [name for name in ("better", "frontier") if asked[name].value]
    chosen = {name: every[name] for name in names} or every
    results = Results(os.path.join(asked.results, preset.name), _wanted(asked))
    pieces = [piece for table in chosen.values() for row in table.rows for piece in row.pieces]
    doing = ExperimentRunner(
        preset,
        results,
        asked.runs,
        data_dir=asked.data_dir,
        inception=asked.inception,
        scripts=os.path.dirname(os.path.abspath(__file__)),
    )
    if asked.dry_run:
        print(doing.plan(pieces))
        return
    tf.config.set_visible_devices([], "GPU")  # GPUs are for the scripts that learn, not for who waits.
    wanted = [] if asked.redraw else pieces
    doing.refuse_what_would_fail(wanted)
    try:
        doing.do(wanted)
    finally:
        every = tables(preset, sorted({*seeds, *results.seeds()}))  # A page has all that is known, whatever was asked.
        write_page(asked.page, preset, every, results)
        print(f"\n{asked.page}")


def _wanted(asked):
    """The data and the judge that count. A page that is only redrawn takes those of most of its results."""
    from pgtf.evaluation.evaluation import extractor_of
    from pgtf.experiments.paper.identity import CLASSIFIER, Wanted, judge_identity

    extractor = extractor_of(asked.inception)
    judge = judge_identity(extractor.facts) if extractor else "" if asked.redraw else CLASSIFIER
    return Wanted(asked.data_dir or (None if asked.redraw else ""), judge)


def _seeds(texts):
    if not texts or len(set(texts)) < len(texts) or not all(text.isdecimal() for text in texts):
        raise ValueError(f"Seeds are whole numbers from 0 on, each once: --seeds=0,1. Received: {','.join(texts)}")
    return [int(text) for text in texts]

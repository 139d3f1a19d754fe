"""Measures speed, each measurement relative to a baseline, and writes BENCH.md.

    pgtf bench
    pgtf bench --bench_networks=unet --bench_tasks=2,4 --batches=1 --bench_rounds=3 --image_size=64

Each measurement runs in its own process, and its figures are stored in --results. The same command resumes after a
stop. All flags of pgtf train set the configuration that is measured. With --other_python only a step is measured, here
and there by turns, and only its section of BENCH.md is written. --only=answers measures inference instead of training,
--only=input reading of data, --only=formats exported files, and each writes its section.
"""

import dataclasses
import functools
import hashlib
import itertools
import json
import os
import subprocess
import sys

from absl import flags

import pgtf
from pgtf.cli import command_line
from pgtf.config import Config, flagfile, task_plans
from pgtf.experiments.speed import answers_page, formats_page, inputs_page, versions
from pgtf.foundation import files, quiet
from pgtf.foundation.settings import refuse
from pgtf.objectives import CycleGAN, Pix2Pix

ANSWERS = ("swap", "steady", "photos", "combined", "start", "opened")
INPUT = ("reading", "many_files")
command_line.define()
flags.DEFINE_list("bench_networks", ["unet", "resnet"], "Networks to measure: unet (pix2pix), resnet (CycleGAN).")
flags.DEFINE_list(
    "bench_tasks",
    ["2", "4", "8", "16"],
    "Tasks whose steps are timed, counted from 1. ResNet: the first two.",
)
flags.DEFINE_list("batches", ["1", "4"], "Batch sizes. ResNet: only the first.")
flags.DEFINE_list("open_tasks", ["10", "100"], "Numbers of tasks that are open at once, for --only=answers.")
flags.DEFINE_list(
    "peers", ["onnxruntime", "torch", "torch.compile"], "Programs that --only=answers compares with, where installed."
)
flags.DEFINE_string(
    "formats_of",
    "",
    "Run or pack for --only=formats: the files of its first task are also measured on its test images, with "
    "--inception or a classifier of its tasks. Default: none, and a network of random values is measured.",
)
flags.DEFINE_integer("files", 100_000, "Number of files of a data set that --only=input opens.", lower_bound=1)
flags.DEFINE_list("many", ["2", "10", "30", "100"], "Numbers of tasks of the runs that are opened and listed.")
flags.DEFINE_integer("bench_rounds", 5, "Number of rounds of each measurement.", lower_bound=1)
flags.DEFINE_string("results", ".bench", "Folder for the figures. Remove it to measure everything again.")
flags.DEFINE_string("write", "BENCH.md", "File to write.")
flags.DEFINE_string("plot", "docs/many.svg", "Plot to write: costs over the number of tasks.")
flags.DEFINE_string("other_python", "", "Another Python with pgtf's requirements. Compare a step on it with one here.")
flags.DEFINE_list(
    "only",
    [],
    "Measure only this, and write its section: answers, or some of its parts "
    f"({', '.join(ANSWERS)}), or formats, or input, or some of its parts ({', '.join(INPUT)}). Default: training.",
)
flags.DEFINE_string("piece", "", "Internal: one measurement as JSON, for subprocesses of this command.")
PRECISIONS = ("float32", "mixed_bfloat16")
STOPPED = "Run the same command again to resume."


def measurements():
    """Lists all measurements in order: [{"benchmark": name, further arguments}]."""
    networks, batches, tasks = flags.FLAGS.bench_networks, flags.FLAGS.batches, flags.FLAGS.bench_tasks
    found = []
    for network in networks:
        unet = network == "unet"
        for batch in map(int, batches if unet else batches[:1]):
            base = {"network": network, "batch": batch}
            found += [{"benchmark": "precisions", **base, "task": task} for task in (1, 2)]
            for precision in PRECISIONS:
                own = {**base, "precision": precision}
                found += [{"benchmark": "peak", **own}]
                found += [{"benchmark": "steps", **own, "task": int(task)} for task in (tasks if unet else tasks[:2])]
        found += [{"benchmark": "first_step", "network": network, "task": task} for task in (1, 2, 4)]
    if "unet" in networks:
        found += [{"benchmark": "xla", "network": "unet", "task": task} for task in (1, 2)]
        found += [{"benchmark": name, "network": "unet"} for name in ("pipeline", "serving", "combined")]
        found += [{"benchmark": "many", "network": "unet", "tasks": int(count)} for count in flags.FLAGS.many]
        last = {"benchmark": "steps", "network": "unet", "batch": int(batches[0]), "precision": "float32"}
        found += [{**last, "task": int(tasks[-1]), "borrow_from": "first"}]
    found += [{"benchmark": "choice", "network": "unet", "precision": precision} for precision in PRECISIONS]
    return found


def version_measurements():
    """Lists the measurements that compare two Pythons."""
    kinds = itertools.product(flags.FLAGS.bench_networks, map(int, flags.FLAGS.batches[:1]), (1, 2))
    return [{"benchmark": "step", "network": network, "batch": batch, "task": task} for network, batch, task in kinds]


def answer_measurements():
    """Lists the measurements of inference."""
    found: list[dict] = [{"benchmark": "swap", "kind": kind} for kind in ("outer", "low_rank", "mixing", "full")]
    found += [{"benchmark": "steady", "peers": flags.FLAGS.peers}]
    found += [{"benchmark": name} for name in ("photos", "combined", "start")]
    found += [{"benchmark": "opened", "tasks": int(count)} for count in flags.FLAGS.open_tasks]
    asked = flags.FLAGS.only
    return [{"network": "unet", **one} for one in found if "answers" in asked or one["benchmark"] in asked]


def input_measurements():
    """Lists the measurements of reading data."""
    found: list[dict] = [{"benchmark": "reading"}, {"benchmark": "many_files", "count": flags.FLAGS.files}]
    asked = flags.FLAGS.only
    return [{"network": "unet", **one} for one in found if "input" in asked or one["benchmark"] in asked]


def format_measurements():
    """Lists the measurements of exported files."""
    runs = ["", *filter(None, [flags.FLAGS.formats_of])] if "formats" in flags.FLAGS.only else []
    return [{"benchmark": "formats", "network": "unet", "run": run} for run in runs]


def config_of(measurement):
    """Returns the configuration of a measurement."""
    objective = Pix2Pix() if measurement["network"] == "unet" else CycleGAN()
    config = command_line.config_from_flags()
    flat = {**config.flat(), **{name: measurement[name] for name in ("network", "borrow_from") if name in measurement}}
    sizes = {"batch_size": measurement.get("batch", 1), "precision": measurement.get("precision", "float32")}
    return dataclasses.replace(Config.from_flat({**flat, **sizes}), objective=objective)


def measured(measurement):
    """Returns the figures of a measurement: the stored ones, or new ones from a subprocess."""
    text = json.dumps(measurement, sort_keys=True)
    key = hashlib.sha256(
        f"{text}{flagfile.text(config_of(measurement))}{flags.FLAGS.bench_rounds}{flags.FLAGS.other_python}".encode()
    ).hexdigest()[:16]
    path = os.path.join(flags.FLAGS.results, f"{measurement['benchmark']}-{key}.json")
    if not os.path.exists(path):
        print(text, flush=True)
        other = flags.FLAGS.other_python
        if other:
            start = functools.partial(_called, subprocess.Popen, text, stdin=subprocess.PIPE)
            figures = versions.by_turns(start, (sys.executable, other), flags.FLAGS.bench_rounds)
        else:
            figures = _run(text)
        files.write(path, json.dumps(figures).encode())
    with open(path) as file:
        return json.load(file)


def _run(text):
    """Returns the figures of a measurement from a new process."""
    done = _called(subprocess.run, text)
    if done.returncode:
        raise ValueError(f"A measurement failed. Received: exit status {done.returncode} of {text}")
    return json.loads(done.stdout.splitlines()[-1])


def _called(call, text, python=sys.executable, **settings):
    """Calls subprocess.run or Popen with the command of a measurement on a Python."""
    command = [python, "-m", "pgtf", "bench", *sys.argv[1:], f"--piece={text}"]
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(pgtf.__file__))}
    return call(command, stdout=subprocess.PIPE, text=True, env=environment, **settings)


def main(_):
    if not set(flags.FLAGS.only) <= {"answers", *ANSWERS, "formats", "input", *INPUT}:
        refuse(
            "only", f"answers, formats, input or some of {', '.join((*ANSWERS, *INPUT))}", ",".join(flags.FLAGS.only)
        )
    if flags.FLAGS.piece:
        quiet.import_tensorflow()
        from pgtf.experiments.speed.benchmarks import BENCHMARKS

        measurement = json.loads(flags.FLAGS.piece)
        names = "task", "tasks", "kind", "peers", "count", "run"
        what = {name: measurement[name] for name in names if name in measurement}
        plan = task_plans(config_of(measurement))[0]
        print(json.dumps(BENCHMARKS[measurement["benchmark"]](plan, flags.FLAGS.bench_rounds, **what)))
        return
    plan, rounds = task_plans(command_line.config_from_flags())[0], flags.FLAGS.bench_rounds
    if flags.FLAGS.other_python:
        found = [(measurement, measured(measurement)) for measurement in version_measurements()]
        versions.write(flags.FLAGS.write, own=versions.section(found, plan, rounds))
        print("Written:", flags.FLAGS.write)
        return
    if flags.FLAGS.only:
        for listed, page in (
            (answer_measurements, answers_page),
            (format_measurements, formats_page),
            (input_measurements, inputs_page),
        ):
            found = [(measurement, measured(measurement)) for measurement in listed()]
            if found:
                versions.write(flags.FLAGS.write, own=page.section(found, plan, rounds, flags.FLAGS.only))
        print("Written:", flags.FLAGS.write)
        return
    from pgtf.experiments.speed.page import page as page_of_training
    from pgtf.experiments.speed.plot import plot

    found = [(measurement, measured(measurement)) for measurement in measurements()]
    versions.write(flags.FLAGS.write, page_of_training(found, plan, rounds))
    plotted = plot(found, flags.FLAGS.plot)
    print("Written:", ", ".join(filter(None, [flags.FLAGS.write, plotted])))

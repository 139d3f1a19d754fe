"""Tiny run directories for tests: made in a moment, as nothing in them is learnt, or learnt and nothing else done."""

import contextlib
import dataclasses
import functools
import io
import os
import shutil
import signal
import tempfile

import numpy as np
from safetensors.numpy import save_file

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank, rebuild, slice_of
from pgtf.assembly.parameters import full_values
from pgtf.assembly.planned_data import data_of
from pgtf.assembly.replay import recorded
from pgtf.config import Config, flagfile, task_plans
from pgtf.data.pixels import RGB
from pgtf.data.rgb_images import to_float
from pgtf.foundation import files
from pgtf.methods import METHODS
from pgtf.networks import Architecture
from pgtf.objectives import Classification, CycleGAN, Pix2Pix, Unconditional
from pgtf.objectives.unconditional.latents import latents
from pgtf.storage.facts import Facts
from pgtf.storage.probes import Probes
from pgtf.storage.task_slice import TaskSlice
from pgtf.training.observers import Observer
from pgtf.training.one_task import learn_task


def tiny_run(folder, tasks=("facades", "maps"), network="unet", objective="pix2pix", **settings):
    """A run with tasks as if learnt, all its values random: also biases and norms, so that a lost one shows.

    settings: method (an object or a name), norm, size (height, width), upsampling, precision (of the slices), pixels
    (of inputs and of targets). Made once for each choice of these, and copied.
    """
    made = _made(tuple(tasks), network, objective, **settings)
    shutil.copytree(made.name, folder, dirs_exist_ok=True)
    return folder


@functools.cache
def _made(
    tasks,
    network,
    objective,
    method="piggyback",
    norm="instance",
    size=None,
    upsampling="transpose",
    precision="float32",
    pixels=(RGB, RGB),
):
    temporary = tempfile.TemporaryDirectory()  # Removed at exit.
    folder, side = temporary.name, {"resnet": 16, "stylegan2": 16}.get(network, 8)
    size = size or (side, side)
    method = METHODS[method]() if isinstance(method, str) else method
    classes = Classification(labels=tuple("abcdef"))  # As many as drawn shapes and textures have.
    objective = {
        "pix2pix": Pix2Pix(),
        "cyclegan": CycleGAN(),
        "classification": classes,
        "unconditional": Unconditional(path_length_weight=0.0, generated=12),
    }[objective]
    norm = {"scores": "batch", "latents": "none"}.get(objective.serves, norm)
    small = {"resnet18": (("stages", 1),), "stylegan2": (("mapping_layers", 1), ("narrow_from", 4))}
    options = small.get(network, ())
    architecture = Architecture(
        network,
        size,
        width=4,
        blocks=1,
        norm=norm,
        upsampling=upsampling,
        options=options,
        **objective.architecture,
    )
    plain = {}
    if pixels != (RGB, RGB):
        architecture = architecture.with_channels(*(one.channels for one in pixels))
        plain = {side: dataclasses.asdict(one) for side, one in zip(("input", "target"), pixels)}
    facts = Facts(
        architecture,
        method,
        objective,
        full_values=full_values(architecture, objective.networks),
        steps=10,
        data="drawn",
        load_size=(20, 20),
        training={} if precision == "float32" else {"slice_precision": precision},
        pixels=plain,
    )
    bank, draw = NetworkBank(folder=os.path.join(folder, "tasks")), np.random.default_rng(0)
    for index, name in enumerate(tasks):
        learnt(bank, name, dataclasses.replace(facts, learnt=f"2024-02-{index + 1:02d}T03:04:05+00:00"), draw)
        files.write(os.path.join(bank.place(index, name), "train", "events"), b"TensorBoard's")
    files.write(os.path.join(folder, "tensorboard", "events"), b"TensorBoard's")
    config = Config(
        run_dir=folder,
        tasks=tasks,
        method=method,
        objective=objective,
        network=network,
        image_size=f"{size[0]}x{size[1]}",
        width=4,
        options=(("blocks", 1),) if network == "resnet" else options,
        norm=norm,
        upsampling=upsampling,
        slice_precision=precision,
    )
    flagfile.save(config)
    return temporary


def learnt(bank, name, facts, draw):
    """Appends a task of random values to a bank on disk, with its probes."""
    lenders = bank.only(facts.method.borrows(bank.names))
    networks = build.generators(facts.architecture, facts.method, facts.generators, lenders)
    for network in networks.values():
        values = {path: random_value(draw, path, value) for path, value in layers.state(network).items()}
        layers.restore(network, values)
    for phase in facts.method.phases(facts.steps, AllIsWell()):
        phase.begin(networks)
    height, width = facts.architecture.size
    shape = (height, width) if facts.objective.makes == "scores" else (max(16, height), 32)
    images, made = {}, {}
    for prefix in facts.generators:
        for values, one in zip((images, made), facts.pixels_of(prefix)):
            levels = draw.integers(0, 256, [2, *shape, one.channels], dtype="uint8")
            values[prefix] = levels if one.is_rgb else to_float(levels)
    if facts.objective.serves == "latents":
        images = {prefix: latents(range(2), *facts.architecture.input) for prefix in facts.generators}
    targets = {"pairs": made, "labelled": {"forward": np.array([0, 1], "int32")}}.get(facts.objective.batch, {})
    probes = Probes(images, targets)
    task_slice = slice_of(name, networks, lenders, facts)
    content = recorded(probes, rebuild(task_slice, lenders)).content()
    files.write(os.path.join(bank.place(len(bank), name), "probes.safetensors"), content)
    facts = dataclasses.replace(facts, probes_sha256=files.sha256(content))
    bank.append(dataclasses.replace(task_slice, facts=facts))


def plan_of(config, index):
    """The plan of task `index` (from 0) with a config, which may have fewer tasks."""
    return dataclasses.replace(task_plans(config)[0], index=index)


def learn(config):
    """Learns the tasks of a run that are not learnt yet, and no more: nothing is replayed or pictured."""
    bank = NetworkBank.open(os.path.join(config.run_dir, "tasks"))
    with contextlib.redirect_stdout(io.StringIO()):
        for plan in task_plans(config)[len(bank) :]:
            learn_task(plan, bank, data_of(plan), os.path.join(config.run_dir, "log.jsonl"), Observer())


class AllIsWell:
    """A context in which every goal holds."""

    wider, limit = False, np.inf

    def distance(self, networks):
        return 0.0


def random_value(draw, path, like):
    """A value for a path of a slice, of the size that such values have."""
    if like.dtype == "uint8":  # Packed bits.
        return draw.integers(0, 256, like.shape, dtype="uint8")
    if like.dtype == "bool":  # Which weights are owned: there is a value for each of them.
        return like
    noise = draw.normal(size=like.shape)
    value = {
        "unconstrained": 0.3 * noise,
        "mixing": noise * max(1, *like.shape[:1]) ** -0.5,
        "gamma": 1 + 0.3 * noise,
        "moving_variance": np.exp(0.3 * noise),
    }.get(path.rsplit("/", 1)[1], 0.3 * noise)
    return value.astype("float32")


def default_signals():
    """Resets signal handlers in a process of a test: under nohup, or in the background, signals come in ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def flip_a_bit(path, byte=-1, bit=0):
    """Alters one bit of a file."""
    os.chmod(path, 0o644)
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content[byte] ^= 1 << bit
    with open(path, "wb") as file:
        file.write(content)


def rewrite(folder, values=None, probes=None):
    """Writes a task anew, as a liar would: other values or probes, and hashes that fit them."""
    task_slice = TaskSlice.read(folder)
    facts, values = task_slice.facts, {**task_slice.values, **(values or {})}
    for name in ("slice.json", "slice.safetensors"):
        os.unlink(os.path.join(folder, name))
    if probes:
        path = os.path.join(folder, "probes.safetensors")
        save_file(probes, path)
        facts = dataclasses.replace(facts, probes_sha256=files.sha256_of(path))
    dataclasses.replace(task_slice, values=values, facts=facts).write(folder)

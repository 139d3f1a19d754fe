"""A config to a run: names become objects here, once."""

import dataclasses
import datetime
import functools
import os

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pgtf import files
from pgtf.bank import FilterBank, TaskSlice, folder_name
from pgtf.data.images import to_float
from pgtf.data.stream import Stream
from pgtf.data.tasks import Finder
from pgtf.evaluation.parameters import plan, summary, table
from pgtf.evaluation.replay import record
from pgtf.layers import begin_as, stored
from pgtf.methods import METHODS, Architecture, discriminator, generator, precision, rebuilt
from pgtf.objectives import CycleGAN, LinearDecay, Pix2Pix, adam
from pgtf.run import Run
from pgtf.training.callbacks import append_line, grid
from pgtf.training.learn import Habits, forget_checkpoints, learn
from pgtf.training.sequence import learn_in_order

PROBES, GRID_ROWS = 2, 4


class Experiment:
    """A run that learns its tasks in order."""

    def __init__(self, config):
        if config.method not in METHODS:
            raise ValueError(f"--method must be one of {', '.join(METHODS)}. Received: {config.method!r}")
        self.config = config
        height, width = config.size
        self.architecture = Architecture(
            network=config.network,
            height=height,
            width=width,
            filters=config.width,
            norm=config.norm,
            upsampling=config.upsampling,
            blocks=config.blocks,
        )
        self.paired = config.objective == "pix2pix"
        self.prefixes = ("forward",) if self.paired else ("forward", "backward")
        self.find = Finder(
            config.data_dir,
            self.paired,
            config.size,
            config.load,
            seed=config.seed,
            drawn_images=config.drawn_images,
            cache_bytes=config.cache_mb * 2**20,
            skip_bad=config.bad_images == "skip",
        )
        self.log = os.path.join(config.run_dir, "log.jsonl")
        self.bank = FilterBank(folder=self._path("tasks"))

    def plan(self):
        """What each task will store, before anything is learnt."""
        return plan(
            self.config.tasks,
            self.architecture,
            self.config.method,
            self.prefixes,
            borrows_from=self._borrows_from(),
            unconstrained_ratio=self.config.unconstrained_ratio,
        )

    def run(self):
        """Learns what is not learnt yet."""
        config = self.config
        data = {task: self.find(task, config.flipped(task)) for task in config.tasks}
        if not config.data_dir:
            print("Drawn stand-ins take the place of real images. Real ones: --data_dir=DIR with DIR/TASK/train/*.jpg")
        with files.locked(config.run_dir):
            config.save()
            self.bank = FilterBank.open(self._path("tasks"))
            if config.deterministic:
                keras.utils.set_random_seed(config.seed)
                tf.config.experimental.enable_op_determinism()
            learn_in_order(
                config.tasks, self.bank, functools.partial(self._learn, data), functools.partial(self._after, data)
            )
            planned = summary(self.plan())
            print(f"\n{table(planned['tasks'], planned['total'])}")
            print(f"\nLook: {self._path('samples')} (pictures), tensorboard --logdir {config.run_dir}")

    def _learn(self, data, index, name):
        """Trains task `index` and gives its slice; its probes are on disk then."""
        keras.backend.clear_session()
        config, task = self.config, data[name]
        stream = Stream(
            task.train,
            *config.size,
            seed=config.seed * 1000 + index,
            batch_size=config.batch_size,
            half_a_turn=task.half_a_turn,
        )
        steps = config.steps or config.epochs * stream.steps_per_epoch
        with precision(config.precision):
            objective = self._objective(index, steps)
        folder = self._path("tasks", folder_name(index, name), "train")
        learn(
            objective,
            stream,
            steps,
            folder,
            title=f"task {index + 1}/{len(config.tasks)} {name}",
            log=self.log,
            habits=Habits(config.log_every, config.sample_every, config.checkpoint_minutes, config.steps_per_call),
            draw=functools.partial(self._pictures, task),
            text=config.flagfile(),
        )
        for source in task.train:
            for place, error in getattr(source, "bad", {}).items():
                print(f"skipped image {place}: {error}")
        values = {}
        for network in objective.networks.values():
            values.update(stored(network))
        facts = {
            "architecture": dataclasses.asdict(self.architecture),
            "method": config.method,
            "unconstrained_ratio": config.unconstrained_ratio,
            "prefixes": self.prefixes,
            "borrows_from": self._borrows_from(),
            "steps": steps,
            "data": task.origin,
            "direction": "BtoA" if config.flipped(name) else "AtoB",
            "load_size": config.load,
            "seed": config.seed,
            "learnt": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        }
        return self._with_probes(index, TaskSlice(name, values, facts), task)

    def _with_probes(self, index, task_slice, task):
        networks = rebuilt(task_slice, self.bank.upto(index))
        images = {prefix: self._inputs(task, prefix, PROBES) for prefix in self.prefixes}
        probes = record(networks, images)
        files.write(os.path.join(self._slice_folder(index, task_slice.name), "probes.safetensors"), probes)
        return dataclasses.replace(task_slice, facts={**task_slice.facts, "probes_sha256": files.sha256(probes)})

    def _after(self, data, index):
        """Every task so far, replayed and pictured."""
        writer = tf.summary.create_file_writer(self._path("tensorboard"))
        os.makedirs(self._path("samples"), exist_ok=True)
        for task in Run(self.config.run_dir):  # Read anew from disk: what is proven is what is stored.
            result = task.replay()
            print(f"after {self.bank.names[index]}: {task.name} replays {result}")
            append_line(
                self.log, {"after": self.bank.names[index], "replayed": task.name, **dataclasses.asdict(result)}
            )
            for kind, picture in self._pictures(data[task.name], task.networks).items():
                with writer.as_default(index + 1):
                    tf.summary.image(f"{task.name}/{kind}", picture[None])
                file = f"{index + 1:02d}-{task.name}-{''.join(c for c in kind if c.isalnum())}.png"
                Image.fromarray(picture).save(self._path("samples", file))
        writer.close()
        forget_checkpoints(self._path("tasks", folder_name(index, self.bank.names[index]), "train"))

    def _objective(self, index, steps):
        config = self.config
        schedule = LinearDecay(config.learning_rate, int(config.decay_from * steps), steps)
        optimizers = {who: adam(schedule, config.precision) for who in ("generator", "discriminator")}
        networks = self._generators(self.bank, index)
        new_discriminator = functools.partial(
            discriminator,
            self.architecture,
            filters=config.discriminator_width,
            n_layers=config.discriminator_layers,
            seed=f"{config.seed}/{index}",
        )
        if self.paired:
            return Pix2Pix(networks["forward"], new_discriminator(6), optimizers, l1_weight=config.l1_weight)
        return CycleGAN(
            networks["forward"],
            networks["backward"],
            new_discriminator(3, prefix="discriminator_a"),
            new_discriminator(3, prefix="discriminator_b"),
            optimizers,
            image_shape=(*config.size, 3),
            cycle_weight=config.cycle_weight,
            identity_weight=config.identity_weight,
            pool_size=config.pool_size,
            seed=config.seed * 1000 + index,
        )

    def _generators(self, bank, index):
        """{prefix: generator} of task `index`, as it begins."""
        config, networks = self.config, {}
        for prefix in self.prefixes:
            networks[prefix] = generator(
                self.architecture,
                config.method,
                bank,
                prefix=prefix,
                borrows_from=self._borrows_from(),
                seed=f"{config.seed}/{index}",
                unconstrained_ratio=config.unconstrained_ratio,
                start=config.start,
            )
            if len(bank) and METHODS[config.method].borrows and config.start == "first_task":
                begin_as(networks[prefix], bank.slice(0).values)
        return networks

    def _inputs(self, task, prefix, count):
        """The first test images that a network takes, uint8."""
        return np.stack(self._tests(task, count)[self.prefixes.index(prefix)])

    def _tests(self, task, count):
        """Two lists of uint8 test images: inputs and targets, or A and B."""
        count = min(count, *(len(source) for source in task.test))
        entries = [[image for source in task.test for image in source[place]] for place in range(count)]
        return [list(side) for side in zip(*entries)]

    def _pictures(self, task, networks):
        """{name: picture} of fixed test images through the networks of a task."""
        a, b = ([to_float(image) for image in side] for side in self._tests(task, GRID_ROWS))

        def through(prefix, images):
            return [np.asarray(networks[prefix](image[None], training=False))[0] for image in images]

        if self.paired:
            return {"input | output | target": grid(list(zip(a, through("forward", a), b)))}
        to_b, to_a = through("forward", a), through("backward", b)
        return {
            "A | B | A": grid(list(zip(a, to_b, through("backward", to_b)))),
            "B | A | B": grid(list(zip(b, to_a, through("forward", to_a)))),
            "identity A | A, B | B": grid(list(zip(a, through("backward", a), b, through("forward", b)))),
        }

    def _borrows_from(self):
        return self.prefixes if self.config.share_bank else None

    def _slice_folder(self, index, name):
        return self._path("tasks", folder_name(index, name))

    def _path(self, *parts):
        return os.path.join(self.config.run_dir, *parts)

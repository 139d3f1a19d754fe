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
from pgtf.data.stream import Stream
from pgtf.data.tasks import Finder
from pgtf.evaluation.parameters import plan, summary, table
from pgtf.evaluation.pictures import pictures, switched
from pgtf.evaluation.replay import Probes
from pgtf.layers import begin_as, stored
from pgtf.methods import METHODS, Architecture, discriminator, generator, precision, rebuilt
from pgtf.objectives import CycleGAN, LinearDecay, Pix2Pix, adam
from pgtf.run import Run
from pgtf.training.callbacks import append_line
from pgtf.training.learn import Habits, forget_checkpoints, has_checkpoints, learn
from pgtf.training.sequence import learn_in_order

PROBES = 4


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
        with files.locked(config.run_dir):
            self.bank = FilterBank.open(self._path("tasks"))
            # All of them now, so that a long run doesn't fail at its third task; a learnt one needs its data no more.
            data = {task: self.find(task, config.flipped(task)) for task in config.tasks[len(self.bank) :]}
            config.save()
            if data and not config.data_dir:
                print("Drawn images stand in for real ones. For those: --data_dir=DIR, with DIR/TASK/train/*.jpg")
            if config.deterministic:
                keras.utils.set_random_seed(config.seed)
                tf.config.experimental.enable_op_determinism()
            try:
                learn_in_order(config.tasks, self.bank, functools.partial(self._learn, data), self._after)
            except tf.errors.OpError as error:  # A full disk, or no memory.
                raise OSError(
                    "TensorFlow can't go on; what was saved is whole, and the same command goes on from it. "
                    f"Received: {error.message}"
                ) from error
            planned = summary(self.plan())
            print(f"\n{table(planned['tasks'], planned['total'])}")
            print(f"\nLook: {self._path('samples')} (pictures), tensorboard --logdir {config.run_dir}")

    def _learn(self, data, index, name):
        """Trains task `index` and gives its slice; its probes are on disk then."""
        keras.backend.clear_session()
        config = self.config
        task = data[name].checked(config.bad_images == "skip")
        probes = self._probes(task)
        stream = Stream(
            task.train,
            *config.size,
            seed=config.seed * 1000 + index,
            batch_size=config.batch_size,
            pairs_apart=task.pairs_apart,
        )
        steps = config.steps or config.epochs * stream.steps_per_epoch
        with precision(config.precision):
            objective = self.objective(index, steps)
        folder = self._path("tasks", folder_name(index, name), "train")
        learn(
            objective,
            stream,
            steps,
            folder,
            title=f"task {index + 1}/{len(config.tasks)} {name}",
            log=self.log,
            habits=Habits(config.log_every, config.sample_every, config.checkpoint_minutes, config.steps_per_call),
            draw=functools.partial(pictures, probes=probes),
            text=config.flagfile(),
        )
        for source in task.train:
            source.forget()  # The next task has the memory for its own.
        if task.skipped:
            print(f"{name}: skipped {len(task.skipped)} images", *task.skipped, sep="\n  ")
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
            "skipped_images": len(task.skipped),
            "direction": "BtoA" if config.flipped(name) else "AtoB",
            "load_size": config.load,
            "seed": config.seed,
            "learnt": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        }
        task_slice = TaskSlice(name, values, facts)
        content = probes.recorded(rebuilt(task_slice, self.bank)).content()
        files.write(self._path("tasks", folder_name(index, name), "probes.safetensors"), content, read_only=True)
        return dataclasses.replace(task_slice, facts={**facts, "probes_sha256": files.sha256(content)})

    def _after(self, index):
        """Every task so far, replayed and pictured: read anew from disk, so what is proven is what is stored."""
        name = self.bank.names[index]
        checkpoints = self._path("tasks", folder_name(index, name), "train")
        if not has_checkpoints(checkpoints):  # They go last: all this is done.
            return
        run = Run(self.config.run_dir)
        writer = tf.summary.create_file_writer(self._path("tensorboard"))
        os.makedirs(self._path("samples"), exist_ok=True)

        def show(title, picture):
            with writer.as_default(index + 1):
                tf.summary.image(title, picture[None])
            file = f"{index + 1:02d}-{title.replace('/', '-')}.png"
            Image.fromarray(picture).save(self._path("samples", file))

        forwards, changed = [], []
        for task in run:
            result = task.replay()
            changed += [] if result.holds else [task.name]
            print(f"after {name}: {task.name} replays {result}")
            append_line(self.log, {"after": name, "replayed": task.name, **dataclasses.asdict(result)})
            for title, picture in pictures(task.networks, task.probes).items():
                show(f"{task.name}/{title}", picture)
            if not self.paired:
                forwards.append(task.networks["forward"])
        # Something to try the task on.
        Image.fromarray(run[name].probes.inputs["forward"][0]).save(self._path("samples", f"{name}-input.png"))
        if len(forwards) > 1:
            show(f"{name}/one input, tasks 1 to {index + 1}", switched(forwards, run[name].probes))
        writer.close()
        forget_checkpoints(checkpoints)
        if changed:
            raise ValueError(
                f"A learnt task never changes. Received: other outputs than recorded: {', '.join(changed)}"
            )

    def objective(self, index, steps, **settings):
        """Task `index` as it begins, ready to be learnt; settings: of methods.Choice, over the config's."""
        config = self.config
        schedule = LinearDecay(config.learning_rate, int(config.decay_from * steps), steps)
        optimizers = {who: adam(schedule, config.precision) for who in ("generator", "discriminator")}
        networks = self.generators(index, **settings)
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

    def generators(self, index, **settings):
        """{prefix: generator} of task `index`, as it begins."""
        config, bank, networks = self.config, self.bank.upto(index), {}
        settings = {"unconstrained_ratio": config.unconstrained_ratio, "start": config.start, **settings}
        for prefix in self.prefixes:
            networks[prefix] = generator(
                self.architecture,
                config.method,
                bank,
                prefix=prefix,
                borrows_from=self._borrows_from(),
                seed=f"{config.seed}/{index}",
                **settings,
            )
            if len(bank) and METHODS[config.method].borrows and config.start == "first_task":
                begin_as(networks[prefix], bank.slice(0).values)
        return networks

    def _probes(self, task):
        """The first test images of a task."""
        count = min(PROBES, *(len(source) for source in task.test))
        sides = [np.stack(side) for side in zip(*([i for s in task.test for i in s[place]] for place in range(count)))]
        if self.paired:
            return Probes({"forward": sides[0]}, {"forward": sides[1]})
        return Probes({"forward": sides[0], "backward": sides[1]}, {})

    def _borrows_from(self):
        return self.prefixes if self.config.share_bank else None

    def _path(self, *parts):
        return os.path.join(self.config.run_dir, *parts)

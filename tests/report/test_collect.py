"""Checks the data collected for a report against the run itself."""

import dataclasses
import json
import os
import shlex

import numpy as np
import tensorflow as tf
from absl import flags
from absl.testing import absltest

from pgtf.assembly.replay import outputs
from pgtf.cli import command_line
from pgtf.config import Config, flagfile
from pgtf.data.rgb_images import to_uint8
from pgtf.foundation import files
from pgtf.methods import Full, Piggyback
from pgtf.metrics.matrix import Matrix
from pgtf.metrics.matrix_text import to_json
from pgtf.metrics.measurements import ImageSet, Measurement
from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.report.collect import Collector
from pgtf.report.page_cache import PageCache
from pgtf.runs.describe import measured
from pgtf.runs.run import Run
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank
from pgtf.storage.ledger import Ledger
from pgtf.storage.probes import Replay
from pgtf.training.sampling import remove_sample, sampler
from tests.storage.made_slices import a_slice
from tests.tiny import flip_a_bit, tiny_run

TASKS = ("maps", "facades", "handbags")


def played(run, task, player, prefix="forward"):
    """Returns the output of the network stored with task `player` for the inputs of task `task`."""
    network = run.at(player, player).rebuilt()[prefix]
    return to_uint8(outputs(network, run.at(task, task).probes.inputs[prefix]))


class CollectingTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.run_dir = os.path.join(self.folder, "run")

    def record(self, index, **replays):
        """Writes replays.json: {task: difference}."""
        folder = Run(self.run_dir).bank.place(index, TASKS[index])
        told = {task: {"difference": value, "bit_equal": value == 0} for task, value in replays.items()}
        files.write(os.path.join(folder, "replays.json"), json.dumps(told).encode())

    def test_a_run_that_forgets_nothing(self):
        tiny_run(self.run_dir, TASKS)
        self.record(1, maps=0.0, facades=0.0)
        run, found = Run(self.run_dir), Collector(self.run_dir).run()
        self.assertEqual(
            [(task.name, task.number, task.learned) for task in found.tasks], list(zip(TASKS, (1, 2, 3), [True] * 3))
        )
        for index, task in enumerate(found.tasks):
            (way,) = task.ways
            probes = run.at(index).probes
            self.assertAllEqual(way.inputs, probes.inputs["forward"])
            self.assertAllEqual(way.targets, probes.targets["forward"])
            self.assertAllEqual(way.outputs, played(run, index, index))
            self.assertEqual([later.after for later in task.later], list(TASKS[index + 1 :]))
            for later in task.later:
                self.assertAllEqual(later.outputs, way.outputs)
            self.assertEqual(task.stored_bytes, 4 * run.bank.slice(index).size)
        first = found.tasks[0].later
        self.assertEqual([later.replay for later in first], [Replay(0.0, True), None])
        self.assertEqual(found.stored_bytes, sum(task.stored_bytes for task in found.tasks))

    def test_a_run_that_forgets(self):
        tiny_run(self.run_dir, TASKS, method="finetune")
        self.record(2, maps=0.5, facades=0.25, handbags=0.0)
        run, found = Run(self.run_dir), Collector(self.run_dir).run()
        maps, facades, handbags = found.tasks
        self.assertAllEqual(maps.later[0].outputs, played(run, 0, 1))
        self.assertAllEqual(maps.later[1].outputs, played(run, 0, 2))
        self.assertAllEqual(facades.later[0].outputs, played(run, 1, 2))
        self.assertNotAllEqual(maps.later[0].outputs, maps.later[1].outputs)
        self.assertEqual([later.replay for later in maps.later], [None, Replay(0.5, False)])
        self.assertEqual(found.stored_bytes, handbags.stored_bytes)
        self.assertEqual(found.full_bytes, 3 * handbags.full_bytes)

    def test_one_input_through_all_tasks(self):
        tiny_run(self.run_dir, TASKS, size=(16, 32))
        run = Run(self.run_dir)
        through = Collector(self.run_dir).run().through
        self.assertEqual([one.of for one in through], list(TASKS))
        for index, one in enumerate(through):
            picture = run.at(index).probes.inputs["forward"][:1]
            self.assertAllEqual(one.picture, picture[0])
            for player, name in enumerate(TASKS):
                task = run.at(player)
                answer = outputs(task.network("forward"), picture)
                self.assertAllEqual(one.outputs[name], to_uint8(answer)[0])
                # A rebuilt network's floats differ by a few millionths, so some round to another number.
                self.assertAllClose(answer, outputs(task.rebuilt()["forward"], picture), rtol=0, atol=1e-4)

    def test_both_ways_forward_first(self):
        tiny_run(self.run_dir, TASKS[:1], network="resnet", objective="cyclegan")
        (task,) = Collector(self.run_dir).run().tasks
        self.assertEqual([way.title for way in task.ways], ["From A to B", "From B to A"])
        for way, prefix in zip(task.ways, ("forward", "backward")):
            self.assertAllEqual(way.outputs, played(Run(self.run_dir), 0, 0, prefix))
            self.assertIsNone(way.targets)

    def test_networks_are_built_for_what_is_not_kept(self):
        tiny_run(self.run_dir, TASKS[:2], method="finetune")
        parts = os.path.join(self.folder, "parts")
        first = Collector(self.run_dir, cache=PageCache(parts)).run()
        for index, name in enumerate(TASKS[:2]):  # Whoever would build a network now, would need them.
            os.unlink(os.path.join(self.run_dir, "tasks", f"{index + 1:02d}-{name}", "slice.safetensors"))
        again = Collector(self.run_dir, cache=PageCache(parts)).run()
        self.assertAllEqual(first.tasks[0].later[0].outputs, again.tasks[0].later[0].outputs)
        self.assertAllEqual(first.through[0].outputs["facades"], again.through[0].outputs["facades"])

    def test_a_task_that_the_last_check_found_changed(self):
        tiny_run(self.run_dir, TASKS[:2])
        self.record(1, maps=0.0)
        self.assertEqual([task.changed for task in Collector(self.run_dir).run().tasks], [False, False])
        flip_a_bit(os.path.join(self.run_dir, "tasks", "01-maps", "slice.safetensors"))
        Ledger(changed=("maps",)).write(self.run_dir)
        found = Collector(self.run_dir).run()
        self.assertEqual([task.changed for task in found.tasks], [True, False])
        self.assertIn("its sha256 differs", found.tasks[0].problem)
        maps, facades = (one.outputs for one in found.through)
        self.assertIsNone(facades["maps"])
        self.assertIsNone(maps["facades"])  # Which borrows from maps.
        self.assertIsNotNone(maps["maps"])  # Recorded when it was learnt.
        Ledger().write(self.run_dir)
        self.assertFalse(Collector(self.run_dir).run().tasks[0].changed)

    def test_probes_that_are_gone(self):
        tiny_run(self.run_dir, TASKS[:2])
        os.unlink(os.path.join(self.run_dir, "tasks", "01-maps", "probes.safetensors"))
        found = Collector(self.run_dir).run()
        self.assertEqual((found.tasks[0].ways, found.tasks[0].later), ((), ()))
        self.assertIn("The task's probes are missing", found.tasks[0].problem)
        self.assertEqual([one.of for one in found.through], ["facades"])

    def test_nothing_learnt_and_nothing_begun(self):
        with self.assertRaisesRegex(FileNotFoundError, "which is none"):
            Collector(self.run_dir)

    def test_a_task_that_is_being_learnt(self):
        run = Run(tiny_run(self.run_dir, TASKS[:2]))
        probes, networks = run.at(1).probes, run.at(1).rebuilt()
        folder = run.at(1).folder
        for name in ("slice.json", "slice.safetensors", "probes.safetensors"):
            os.unlink(os.path.join(folder, name))
        flagfile.save(Config(run_dir=self.run_dir, tasks=TASKS))
        before = Collector(self.run_dir).run()
        self.assertEqual(
            (before.tasks[1].name, before.tasks[1].learned, before.to_come), ("facades", False, ("handbags",))
        )
        self.assertIn("first sample", before.tasks[1].problem)

        seen = []
        draw = sampler(
            Pix2Pix(),
            dataclasses.replace(probes, outputs={}),
            folder,
            then=lambda: seen.append(Collector(self.run_dir).run()),
        )
        drawn = draw(networks)
        self.assertEqual(list(drawn), ["input-output-target"])
        (way,) = seen[0].tasks[1].ways
        self.assertAllEqual(way.inputs, probes.inputs["forward"])
        self.assertAllEqual(way.targets, probes.targets["forward"])
        # A sample is of the networks as they run, a replay on the processor.
        self.assertAllClose(np.asarray(way.outputs, "float32"), to_uint8(probes.outputs["forward"]), atol=1)

        remove_sample(folder)
        remove_sample(folder)
        self.assertFalse(os.path.exists(os.path.join(folder, run_paths.SAMPLE)))


class DescribedTest(absltest.TestCase):
    def test_a_command_makes_the_same_config(self):
        for config in (
            Config(run_dir="runs/a b/", tasks=("maps", 'a "b" $c'), width=8, decay_from=0.25),
            Config(
                run_dir="runs/c", method=Full(), objective=CycleGAN(pool_size=3), network="resnet", deterministic=True
            ),
            Config(
                run_dir="runs/d",
                tasks=("maps", "facades"),
                method=Piggyback(0.5),
                direction=("maps:BtoA",),
                override=("maps:epochs=3,batch_size=2", "facades:epochs=5"),
            ),
        ):
            program, name, *arguments = shlex.split(flagfile.command(config))
            self.assertEqual((program, name), ("pgtf", "train"))
            values = flags.FlagValues()
            command_line.define(values)
            values([name, *arguments])
            again = Config.from_flat(command_line._parsed(values))
            self.assertEqual(again.run_dir, config.run_dir.rstrip("/") + "-again")
            self.assertEqual(dataclasses.replace(again, run_dir=config.run_dir), config)

    def test_defaults_are_left_out(self):
        self.assertEqual(
            flagfile.command(Config(run_dir="r", tasks=("maps",))), "pgtf train --run_dir=r-again --tasks=maps"
        )

    def test_figures(self):
        folder = self.create_tempdir().full_path
        bank = FilterBank([a_slice(0), a_slice(1)])
        a, b = bank.names
        self.assertEqual(measured(folder, bank), (None, ""))
        slices = tuple(bank.slice(index).sha256 for index in range(2))
        matrix = Matrix((a, b), slices, {"L1": [[0.5, 0.25], [None, None]]})

        def written(n=20, by="eyes", slices=slices, change=lambda text: text):
            """Writes a changed file of figures and returns the figures read from it."""
            side = ImageSet("test", n, (8, 8), "whole", "x")
            figure = Measurement("L1", 0.5, "", 0.012, side, ImageSet("test", 20, (8, 8), "whole", "x"))
            network = {"name": by, "sha256": "ab" * 32}
            later = dataclasses.replace(figure, value=0.25, notes=("few",), generated=side, extractor=network)
            none = dataclasses.replace(figure, value=None, reason="no network")
            found = {(a, a): {"L1": figure}, (a, b): {"L1": later}, (b, b): {"L1": none}}
            text = change(to_json(dataclasses.replace(matrix, slices=slices), found))
            files.write(os.path.join(folder, "evaluation", "matrix.json"), text.encode())
            return measured(folder, bank)

        told, why = written()
        self.assertEqual((why, told.extractors), ("", {"L1": ("eyes (abababab)",)}))
        self.assertEqual(told.matrix, matrix)
        self.assertEqual(told.notes[a, a, "L1"], "± 0.012, 20 images")
        self.assertEqual(told.notes[a, b, "L1"], "± 0.012, 20 images, few")
        self.assertEqual(told.notes[b, b, "L1"], "no network")
        self.assertEqual(list(told.conditions), ["L1"])
        self.assertNotEqual(written(n=21)[0].conditions, told.conditions)
        self.assertEqual(written(by="the same, under another name")[0].conditions, told.conditions)
        for found, why in (
            written(slices=("1", "2")),
            written(change=lambda text: text.replace("0.25", "0.125")),
            written(change=lambda text: text.replace(f'"{a}"', '"another"')),
            written(change=lambda text: json.dumps({**json.loads(text), "figures": None})),
            written(change=lambda text: json.dumps({**json.loads(text), "values": [], "own_sha256": None})),
            written(change=lambda text: text[:-20]),
        ):
            self.assertIsNone(found)
            self.assertRegex(why, "^not measured: the file of figures was changed, or is of another run: .*matrix.json")


if __name__ == "__main__":
    tf.test.main()

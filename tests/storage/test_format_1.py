"""Runs of format 1, as pgtf 0.1.0 wrote them: listed, verified, used, exported and taught more."""

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import parameterized
from safetensors.numpy import load_file

import pgtf
from pgtf.cli import command_line
from pgtf.data.rgb_images import to_uint8
from pgtf.methods import METHODS, Factorized, Full, Half, Piggyback, Quarter
from pgtf.networks import Architecture
from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.runs.listing import rows
from pgtf.runs.verify import conclusion, verdicts
from pgtf.serving.export import export
from pgtf.serving.saved_model import SavedModel
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import Facts, of_format_1
from tests.training.test_sequence import ran

pytestmark = pytest.mark.usefixtures("step_by_step")

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"
ONE_WAY = dict(fixture="format1", tasks=("maps", "facades"), prefixes=("forward",), more="cityscapes")
BOTH_WAYS = dict(
    fixture="format1-shared",
    tasks=("photo2monet", "photo2ukiyoe"),
    prefixes=("forward", "backward"),
    more="maps",
)
BOTH = (("one_way", ONE_WAY), ("both_ways_sharing_a_bank", BOTH_WAYS))
LONG = (("one_way", ONE_WAY), ("both_ways_sharing_a_bank_long", BOTH_WAYS))


class Format1TestCase(tf.test.TestCase, parameterized.TestCase):
    def run_of(self, fixture, **_):
        folder = os.path.join(self.create_tempdir().full_path, "run")
        shutil.copytree(FIXTURES / fixture, folder)
        return folder

    def asked(self, *arguments):
        values = flags.FlagValues()
        command_line.define(values)
        values(["train.py", *arguments])
        with mock.patch.object(flags, "FLAGS", values):
            return command_line.config_from_flags()


class RunTest(Format1TestCase):
    @parameterized.named_parameters(*BOTH)
    def test_is_listed(self, case):
        folder = self.run_of(**case)
        found = rows(folder)
        self.assertEqual([row["task"] for row in found], list(case["tasks"]))
        self.assertEqual([row["method"] for row in found], ["piggyback"] * 2)
        self.assertEqual([row["borrows"] for row in found], [[], [case["tasks"][0]]])
        self.assertEqual({row["direction"] for row in found}, {"AtoB" if len(case["prefixes"]) == 1 else "both ways"})
        self.assertEqual(found[0]["share"], 1)  # The first task is a full network, though the slice doesn't say so.
        for number, (name, row) in enumerate(zip(case["tasks"], found), 1):
            stored = load_file(os.path.join(folder, "tasks", f"{number:02d}-{name}", "slice.safetensors"))
            self.assertEqual(row["values"], sum(value.size for value in stored.values()))
            self.assertAllClose(row["share"], row["values"] / found[0]["values"])

    @parameterized.named_parameters(*BOTH)
    def test_is_verified(self, case):
        found = list(verdicts(self.run_of(**case)))
        self.assertEqual([verdict.holds for verdict in found], [True, True], conclusion(found))

    @parameterized.named_parameters(*BOTH)
    def test_translates_as_was_recorded(self, case):
        run = pgtf.load(self.run_of(**case))
        self.assertEqual(run.names, list(case["tasks"]))
        for task in run:
            self.assertCountEqual(task.networks, case["prefixes"])
            for prefix in case["prefixes"]:
                image, recorded = task.probes.inputs[prefix][0], task.probes.outputs[prefix][0]
                self.assertAllClose(task(image, backward=prefix == "backward"), to_uint8(recorded), atol=1)

    @parameterized.named_parameters(*LONG)
    def test_is_exported(self, case):
        """Exports; `export` itself reads the files back and compares outputs on the recorded images."""
        folder, task = self.create_tempdir().full_path, case["tasks"][1]
        export(pgtf.load(self.run_of(**case)), folder, [SavedModel(1)], [task])
        names = [task] if len(case["prefixes"]) == 1 else [task, f"{task}_backward"]
        self.assertContainsSubset(names, os.listdir(folder))
        for name in names:
            self.assertTrue(os.path.exists(os.path.join(folder, name, "1", "saved_model.pb")))

    @parameterized.named_parameters(*LONG)
    def test_is_taught_one_more_task(self, case):
        folder = self.run_of(**case)
        tasks = pathlib.Path(folder, "tasks")
        before = {path: path.read_bytes() for path in tasks.glob("*/*")}
        config = self.asked(f"--run_dir={folder}", f"--tasks={','.join([*case['tasks'], case['more']])}")
        _, said = ran(config)
        for name in (*case["tasks"], case["more"]):
            self.assertRegex(said, f"after {case['more']}: {name} replays (bit-equal|within tolerance)")
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content, path)
        description = json.loads((tasks / f"03-{case['more']}" / "slice.json").read_text())
        self.assertEqual(description["format"], 3)
        lenders = [tasks / f"{number:02d}-{name}" / "slice.safetensors" for number, name in enumerate(case["tasks"], 1)]
        self.assertEqual(
            description["borrows"],
            [
                {"task": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
                for name, path in zip(case["tasks"], lenders)
            ],
        )
        # Its bank is theirs, side by side; of both generators, path by path.
        parts = [load_file(path) for path in lenders]
        filters = sum(part[f"{prefix}/down1/unconstrained"].shape[-1] for prefix in case["prefixes"] for part in parts)
        self.assertEqual(description["tensors"]["forward/down1/mixing"]["shape"][0], filters)
        self.assertEqual([verdict.holds for verdict in verdicts(folder)], [True] * 3)


class FactsTest(Format1TestCase):
    """Checks that facts of format 1 about methods and objectives are read as those of format 2."""

    def facts(self, **changes):
        with open(FIXTURES / "format1" / "tasks" / "02-facades" / "slice.json") as file:
            return Facts.from_json(of_format_1({**json.load(file)["facts"], **changes}))

    @parameterized.parameters(
        (dict(method="full"), Full()),
        (dict(method="half"), Half()),
        (dict(method="quarter"), Quarter()),
        (dict(method="piggyback", unconstrained_ratio=0.5), Piggyback(0.5)),
        (dict(method="factorized", unconstrained_ratio=0.25), Factorized()),
        (dict(borrows_from=["forward", "backward"], prefixes=["forward", "backward"]), Piggyback(share_bank=True)),
    )
    def test_methods(self, said, method):
        self.assertEqual(self.facts(**said).method, method)

    def test_the_rest(self):
        facts = self.facts(
            architecture={
                "network": "resnet", "height": 32, "width": 64, "filters": 8, "norm": "batch",
                "upsampling": "transpose", "blocks": 3, "outputs": 3,
            },
            direction="BtoA", load_size=[36, 72], steps=5, seed=6, skipped_images=7,
        )  # fmt: skip
        self.assertEqual(facts.architecture, Architecture("resnet", (32, 64), width=8, norm="batch", blocks=3))
        self.assertEqual((facts.direction, facts.load_size, facts.data), ("BtoA", (36, 72), "drawn"))
        self.assertEqual((facts.steps, facts.seed, facts.skipped_images), (5, 6, 7))
        self.assertEqual(type(facts.objective), Pix2Pix)
        self.assertEqual(type(self.facts(prefixes=["forward", "backward"]).objective), CycleGAN)

    def test_a_resnet_that_resizes_does_it_as_today_and_a_unet_with_its_even_kernels(self):
        with open(FIXTURES / "format1" / "tasks" / "02-facades" / "slice.json") as file:
            architecture = {**json.load(file)["facts"]["architecture"], "upsampling": "resize"}
        for network, upsampling in (("resnet", "resize"), ("unet", "resize_even")):
            facts = self.facts(architecture={**architecture, "network": network})
            self.assertEqual(facts.architecture.upsampling, upsampling)

    def test_what_a_slice_does_not_say_is_said_by_the_bank(self):
        bank = FilterBank.open(str(FIXTURES / "format1" / "tasks"))
        path = FIXTURES / "format1" / "tasks" / "01-maps" / "slice.safetensors"
        (borrowed,) = bank.slice(1).borrows
        self.assertEqual((borrowed.task, borrowed.sha256), ("maps", hashlib.sha256(path.read_bytes()).hexdigest()))
        lent = bank.lent("forward/down1")
        parts = [bank[name].values["forward/down1/unconstrained"] for name in ("maps", "facades")]
        self.assertAllEqual(lent, np.concatenate(parts, -1))

    @parameterized.parameters(*METHODS)
    def test_format_2_comes_back_as_it_was(self, method):
        facts = Facts(Architecture(size=(64, 32)), METHODS[method](), CycleGAN(2.5, 0.1, 7), load_size=(70, 40), seed=3)
        self.assertEqual(Facts.from_json(json.loads(json.dumps(facts.as_json()))), facts)


class StartTest(Format1TestCase):
    def test_a_run_that_starts_at_random_goes_on(self):
        """Slices of format 1 do not record a task's start; the run's flags do."""
        folder = self.run_of("format1")
        path = pathlib.Path(folder, "config.cfg")
        path.write_text(path.read_text().replace("--start=first_task", "--start=random"))
        config = self.asked(f"--run_dir={folder}")
        self.assertEqual(config.method, Piggyback(start="random"))
        _, said = ran(config)
        self.assertRegex(said, "after facades: facades replays (bit-equal|within tolerance)")
        for method in (Piggyback(0.5, start="random"), Full()):
            with self.assertRaisesRegex(ValueError, "A run can't change its method. Choose another --run_dir"):
                ran(dataclasses.replace(config, method=method))


if __name__ == "__main__":
    tf.test.main()

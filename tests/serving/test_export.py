"""Exports answer as the learnt tasks do, without pgtf; what would not is never kept, and what is there stays."""

import contextlib
import dataclasses
import functools
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import types
import zipfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import absltest, parameterized
from PIL import Image

import pgtf
from pgtf.assembly.replay import outputs
from pgtf.data.rgb_images import resized, to_float
from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.methods import METHODS, Method
from pgtf.recipes.base import Recipe
from pgtf.recipes.specs import Spec
from pgtf.serving import direction as directions
from pgtf.serving.combined import export_combined
from pgtf.serving.direction import Direction
from pgtf.serving.export import export
from pgtf.serving.saved_model import SavedModel
from pgtf.serving.tflite import TFLite
from pgtf.storage.bank import FilterBank
from pgtf.storage.probes import TOLERANCE
from tests.processes import Fork, Script
from tests.tiny import flip_a_bit, tiny_run

ROOT = pathlib.Path(__file__).parent.parent.parent
MULTIPLE = {"facades": 8, "maps": 8, "monet": 4}


class Killed(SavedModel):
    """kill -9 once an export is written, before it is checked and put in place."""

    def write(self, direction, path):
        super().write(direction, path)
        if direction.name == "maps":
            os.kill(os.getpid(), signal.SIGKILL)


def killed(run_dir, output):
    """An export that is killed."""
    export(pgtf.load(run_dir), output, [Killed(), TFLite()])


def setUpModule():
    """Two runs, exported by command line, after an export that was killed, and by function."""
    global FOLDER, UNET, RESNET, SERVED, LEFT, SAID
    FOLDER = tempfile.mkdtemp()
    UNET, RESNET, SERVED = (os.path.join(FOLDER, name) for name in ("unet", "resnet", "served"))
    tiny_run(UNET)
    tiny_run(RESNET, ("photos", "monet"), "resnet", "cyclegan")
    said, code = ended(Fork(killed, UNET, SERVED))
    LEFT = listing(SERVED)
    if code != -signal.SIGKILL:
        raise RuntimeError(f"The export to be killed ended otherwise: {said}")
    SAID, code = command(f"--run_dir={UNET}", f"--output={SERVED}", "--format=saved_model,tflite")
    if code:
        raise RuntimeError(SAID)
    exported(pgtf.load(RESNET), SERVED, [SavedModel(), TFLite((20, 36))], ["monet"])


def tearDownModule():
    shutil.rmtree(FOLDER)


def ended(process):
    """Waits for a process, and returns its output and exit code."""
    return "".join(process.communicate()), process.returncode


def command(*flags):
    """scripts/export.py as a user runs it."""
    return ended(Script(ROOT / "scripts" / "export.py", *flags))


def exported(*arguments):
    """Exports and returns the output."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        export(*arguments)
    return said.getvalue()


def new_folder():
    """The path of a folder that is not there."""
    return os.path.join(tempfile.mkdtemp(dir=FOLDER), "new")


def strangers(names, source=None, change=0.0):
    """A run of just the first task of another one, under these names, with an output's bias changed."""
    folder, first = new_folder(), pgtf.load(source or UNET).at(0)
    path = "forward/output/bias"
    values = {**first.slice.values, path: first.slice.values[path] + np.float32(change)}
    bank = FilterBank(folder=os.path.join(folder, "tasks"))
    for index, name in enumerate(names):
        bank.append(dataclasses.replace(first.slice, name=name, values=values))
        shutil.copy(os.path.join(first.folder, "probes.safetensors"), bank.place(index, name))
    return pgtf.load(folder)


def listing(folder):
    """{file: its time and size}; without the lock, which says who was last."""
    paths = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names if name != ".lock"]
    return {os.path.relpath(path, folder): (os.stat(path).st_mtime_ns, os.path.getsize(path)) for path in paths}


@functools.cache
def network(name):
    """The live network of an export."""
    task, _, prefix = name.partition("_")
    return pgtf.load(RESNET if task == "monet" else UNET)[task].networks[prefix or "forward"]


def answer(name, images):
    """Returns the output of pgtf's own network, in [-1, 1], for uint8 images of any size."""
    multiple, (height, width) = MULTIPLE[name.partition("_")[0]], images.shape[1:3]
    up = [max(-(-side // multiple) * multiple, 16) - side for side in (height, width)]
    padded = np.pad(images, [(0, 0), *((lack // 2, lack - lack // 2) for lack in up), (0, 0)], "reflect")
    top, left = (lack // 2 for lack in up)
    return outputs(network(name), padded)[:, top : top + height, left : left + width]


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


class SavedModelTest(absltest.TestCase):
    def test_a_program_without_pgtf_gets_the_same_through_both_loaders(self):
        chance = np.random.default_rng(1)
        images = {
            "one of a size trained on": list(chance.integers(0, 256, (1, 32, 32, 3), "uint8")),
            "three of an odd size": list(chance.integers(0, 256, (3, 21, 45, 3), "uint8")),
        }
        questions = {f"serving_default|images|{case}": np.stack(shown) for case, shown in images.items()}
        images["mixed"] = [image for shown in images.values() for image in shown]
        questions["encoded|image_bytes|mixed"] = np.array([png(image) for image in images["mixed"]], object)
        asked, got = (os.path.join(FOLDER, name) for name in ("questions.npz", "answers.npz"))
        np.savez(asked, **questions)
        names = ["maps", "monet_backward"]
        models = [os.path.join(SERVED, name, "1") for name in names]
        stranger = [sys.executable, "-I", "-W", "ignore", str(ROOT / "tests" / "serving" / "stranger.py")]
        done = subprocess.run([*stranger, asked, got, *models], cwd=FOLDER, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        answers = np.load(got, allow_pickle=True)
        for name, model in zip(names, models):
            expected = {case: [answer(name, image[None])[0] for image in shown] for case, shown in images.items()}
            for question in questions:
                signature, _, case = question.split("|")
                for loader in ("loaded", "session"):
                    result = list(answers[f"{model}|{question}|{loader}"])
                    if signature == "encoded":
                        result = [np.asarray(Image.open(io.BytesIO(content))) for content in result]
                    self.assertLen(result, len(expected[case]))
                    for one, live in zip(result, expected[case]):
                        self.assertEqual(one.dtype, np.uint8)
                        self.assertEqual(one.shape, live.shape)
                        off = np.abs(one / 127.5 - 1 - live).max() - 1 / 255  # Half a level, for rounding.
                        self.assertLessEqual(off, TOLERANCE, f"{name} {question} {loader}")
            about = json.loads(str(answers[f"{model}|description"]))
            self.assertEqual(about["task"], name.partition("_")[0])
            self.assertEqual(about["direction"], name.partition("_")[2] or "forward")

    def test_holds_nothing_of_keras(self):
        self.assertFalse(os.path.exists(os.path.join(SERVED, "maps", "1", "keras_metadata.pb")))

    def test_next_version_without_checkpoints_is_the_same(self):
        bare = new_folder()
        shutil.copytree(UNET, bare, ignore=shutil.ignore_patterns("train"))
        exported(pgtf.load(bare), SERVED, [SavedModel(version=2)], ["maps"])
        contents = []
        for version in ("1", "2"):
            values = os.path.join(SERVED, "maps", version, "variables", "variables.data-00000-of-00001")
            with open(values, "rb") as file:
                contents.append(file.read())
        self.assertEqual(*contents)


class TFLiteTest(parameterized.TestCase):
    @parameterized.parameters(("facades", 8, 8), ("maps", 8, 8), ("monet", 20, 36), ("monet_backward", 20, 36))
    def test_answers_with_built_in_operations(self, name, height, width):
        path = os.path.join(SERVED, f"{name}.tflite")
        plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        for resolver in (tf.lite.experimental.OpResolverType.AUTO, plain):
            interpreter = tf.lite.Interpreter(path, experimental_op_resolver_type=resolver)
            image = np.random.default_rng(2).integers(0, 256, (1, height, width, 3), "uint8")
            result = interpreter.get_signature_runner()(images=to_float(image))["images"]
            self.assertLessEqual(
                np.abs(result - outputs(network(name), image)).max(), 1e-4
            )  # Each has its order of sums.
        operations = {operation["op_name"] for operation in interpreter._get_ops_details()}
        self.assertContainsSubset({"CONV_2D", "TRANSPOSE_CONV"}, operations)
        self.assertEmpty({name for name in operations if "flex" in name.lower() or "custom" in name.lower()})

    @parameterized.parameters((20, 22), (12, 12))
    def test_refuses_sizes_that_do_not_fit(self, *size):
        folder = new_folder()
        with self.assertRaisesRegex(ValueError, r"at least 16 px, in multiples of 4.*Received: \d+x\d+"):
            export(pgtf.load(RESNET), folder, [SavedModel(), TFLite(size)])
        self.assertFalse(os.path.exists(folder))


class OriginTest(absltest.TestCase):
    def test_is_told_by_both_formats(self):
        with open(os.path.join(SERVED, "maps", "1", "assets", "task.json"), encoding="utf-8") as file:
            saved_model = json.load(file)
        with zipfile.ZipFile(os.path.join(SERVED, "maps.tflite")) as archive:
            tflite = json.loads(archive.read("task.json"))
        with open(os.path.join(UNET, "tasks", "02-maps", "slice.safetensors"), "rb") as file:
            self.assertEqual(saved_model["slice_sha256"], files.sha256(file.read()))
        self.assertEqual((saved_model["run"], saved_model["pgtf"]), ("unet", pgtf.__version__))
        self.assertEqual(saved_model["facts"]["method"]["name"], "piggyback")
        self.assertEqual(tflite, {**saved_model, "size": [8, 8]})

    def test_what_an_export_is_checked_with(self):
        direction = Direction(pgtf.load(UNET)["maps"], "forward")
        probes = direction.task.probes
        self.assertEqual(direction.shown((16, 32)), (probes.inputs["forward"], probes.outputs["forward"]))
        self.assertNotIn("live", vars(direction))  # What is recorded needs no network.
        images, expected = direction.shown((24, 40))
        np.testing.assert_array_equal(images, [resized(image, 24, 40) for image in probes.inputs["forward"]])
        np.testing.assert_array_equal(expected, outputs(network("maps"), images))


FORMATS = "saved_model or combined or onnx or tflite or tflite_float16 or tflite_dynamic or tflite_int8"


class CommandTest(parameterized.TestCase):
    def test_says_what_it_did_and_how_far_off_it_is(self):
        for name, said, done in (
            ("facades", "exists, from the same slice", "kept, verified"),
            ("maps", "...", "verified"),
        ):
            for path in (f"{name}/1", f"{name}.tflite"):
                self.assertIn(f"{name}: {os.path.join(SERVED, path)} {said}\n", SAID)
            differences = re.findall(rf"{name}: {done}, differs from the task by (\d.\de-\d+); \d+.\d s\n", SAID)
            self.assertLen(differences, 2)
            self.assertLess(max(map(float, differences)), 1e-4)

    def test_goes_on_after_a_kill(self):
        kept = {path: seen for path, seen in LEFT.items() if path.startswith("facades")}
        others = [path for path in LEFT if path not in kept and path != "models.config"]
        self.assertContainsSubset({"facades.tflite", "facades/1/saved_model.pb"}, kept)
        self.assertTrue(all(path.startswith(".exporting-") for path in others), others)
        self.assertRegex(" ".join(others), r"\.exporting-\w+/1/saved_model.pb")
        now = listing(SERVED)
        self.assertEqual({path: now.get(path) for path in kept}, kept)
        self.assertEqual([name for name in os.listdir(SERVED) if name.startswith(".")], [".lock"])

    def test_lists_the_models(self):
        with open(os.path.join(SERVED, "models.config"), encoding="ascii") as file:
            found = re.findall(r'name: "(.*?)" base_path: "/models/(.*?)"', file.read())
        self.assertEqual(found, [(name, name) for name in ("facades", "maps", "monet", "monet_backward")])

    @parameterized.parameters(
        ("--format=keras", f"--format must be {FORMATS}, or several. Received: 'keras'"),
        ("--format=", f"--format must be {FORMATS}, or several. Received: ''"),
        ("--calibration=photos", "--calibration needs --format=tflite_int8. Received: --format=saved_model"),
        ("--version=0", "--version must be 1 or more. Received: 0"),
        ("--tflite_size=32", "--tflite_size needs --format=tflite. Received: --format=saved_model"),
    )
    def test_refuses(self, flag, error):
        self.assertEqual(command(f"--run_dir={UNET}", f"--output={SERVED}", flag), (f"\nValueError: {error}\n", 1))


def killed_before(event, ending, function, *arguments):
    """Calls a function, and kills this process before it renames or makes something of such a name."""

    def look(name, given):
        if name == event and str(given[-1 if event == "os.rename" else 0]).endswith(ending):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(lambda name, given: look(name, [part for part in given if isinstance(part, str)]))
    function(*arguments)


def export_all_in_one(run_dir, output):
    export_combined(pgtf.load(run_dir), output)


def export_tflite(run_dir, output):
    export(pgtf.load(run_dir), output, [TFLite()])


@pytest.mark.long
class KilledTest(parameterized.TestCase):
    """After a kill the same command goes on; of what was begun nothing is left, and what is whole is kept."""

    @parameterized.parameters(
        (export_all_in_one, "os.mkdir", "/combined", []),
        (export_all_in_one, "os.rename", "/models.config", ["combined"]),
        (export_tflite, "os.rename", "/maps.tflite", ["facades.tflite"]),
    )
    def test_goes_on(self, function, event, ending, whole):
        output = new_folder()
        _, code = ended(Fork(killed_before, event, ending, function, UNET, output))
        self.assertEqual(code, -signal.SIGKILL)
        before = listing(output)
        self.assertTrue([path for path in before if path.startswith((".exporting-", ".writing-"))], before)
        self.assertEqual(sorted({path.split("/")[0] for path in before if path[0] != "."}), whole)
        with contextlib.redirect_stdout(io.StringIO()):
            function(UNET, output)
        now = listing(output)
        self.assertEqual(
            {path: now[path] for path in before if path[0] != "."},
            {path: seen for path, seen in before.items() if path[0] != "."},
        )
        self.assertEqual([name for name in os.listdir(output) if name[0] == "."], [".lock"])
        # Only a server of SavedModels takes a list of them.
        self.assertEqual("models.config" in now, function is export_all_in_one)


class Scaled(Recipe):
    """A kernel that no one in pgtf makes: the first task's, back to front, each filter scaled."""

    def __init__(self, first, **kwargs):
        super().__init__(**kwargs)
        self.first = np.asarray(first)[..., ::-1]

    def specs(self, shape):
        return {"scale": Spec(shape[-1:])}

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=shape[-1:], initializer="ones")
        super().build(shape)

    def kernel(self):
        return self.first * self.scale

    def task_variables(self):
        return {"scale": self.scale}


@dataclasses.dataclass(frozen=True)
class Scaling(Method):
    def borrows(self, learnt):
        return learnt[:1]

    def recipe(self, site, bank):
        lent = bank.lent(site.path)
        return Scaled(lent) if lent.parts else super().recipe(site, bank)


class MethodTest(absltest.TestCase):
    def test_any_method_is_exported(self):
        folder = new_folder()
        with mock.patch.dict(METHODS, scaling=Scaling):
            run = pgtf.load(tiny_run(os.path.join(folder, "run"), method=Scaling()))
            said = exported(run, folder, [TFLite((16, 32))], ["maps"])
        self.assertIn("forward/down2/scale", run["maps"].slice.values)
        self.assertIn("maps: verified", said)
        probes = run["maps"].probes
        ask = tf.lite.Interpreter(os.path.join(folder, "maps.tflite")).get_signature_runner()
        for image, recorded in zip(probes.inputs["forward"], probes.outputs["forward"]):
            np.testing.assert_allclose(ask(images=to_float(image)[None])["images"][0], recorded, rtol=0, atol=TOLERANCE)


class ChangedTest(absltest.TestCase):
    def test_a_task_that_changed_is_not_exported(self):
        folder = new_folder()
        for form in (SavedModel(), TFLite(), TFLite((16, 32))):
            with self.assertRaisesRegex(
                ValueError, r"Received: maps differs by \d\.\de-0[1-4] from its recorded outputs"
            ):
                exported(strangers(["maps"], change=2e-3), folder, [form])
            self.assertEqual(os.listdir(folder), [".lock"])

    def test_an_export_that_answers_otherwise_is_not_kept(self):
        folder, folded = new_folder(), directions.folded

        def wrongly_folded(live):
            plain = folded(live)
            plain.get_layer("output").bias.assign_add([0.0, np.nan, 0.0])
            return plain

        with (
            mock.patch.object(directions, "folded", wrongly_folded),
            self.assertRaisesRegex(
                ValueError, "1e-04. The export was discarded. Received: an export to .*/maps.tflite that differs by nan"
            ),
        ):
            exported(pgtf.load(UNET), folder, [TFLite()], ["maps"])
        self.assertEqual(os.listdir(folder), [".lock"])

    def test_altered_slice(self):
        altered = new_folder()
        shutil.copytree(UNET, altered)
        flip_a_bit(os.path.join(altered, "tasks", "01-facades", "slice.safetensors"))
        with self.assertRaisesRegex(BankError, "sha256 differs. Received: .*01-facades"):
            exported(pgtf.load(altered), new_folder(), [TFLite()], ["maps"])


class ThereTest(absltest.TestCase):
    def test_another_slice_stays(self):
        before = listing(SERVED)
        run = strangers(["facades"], change=1e-6)  # So little that it answers the same.
        with self.assertRaisesRegex(
            ValueError, r"The next free version is 2\. Received: .*facades/1, which has another slice_sha256"
        ):
            export(run, SERVED, [SavedModel()])
        with self.assertRaisesRegex(ValueError, r"another folder.*facades\.tflite, which has another slice_sha256"):
            export(run, SERVED, [SavedModel(version=7), TFLite()])
        self.assertEqual(listing(SERVED), before)

    def test_another_size_stays(self):
        with self.assertRaisesRegex(ValueError, r"facades\.tflite, which has another size"):
            export(pgtf.load(UNET), SERVED, [TFLite((16, 32))])

    def test_what_is_no_export_stays(self):
        folder = new_folder()
        for version in ("1", "12", ".exporting-x"):
            os.makedirs(os.path.join(folder, "maps", version))
        with self.assertRaisesRegex(ValueError, r"next free version is 13\. Received: .*, which is not an export"):
            export(pgtf.load(UNET), folder, [SavedModel()], ["maps"])
        files.write(os.path.join(folder, "maps.tflite"), b"another's")
        with self.assertRaisesRegex(ValueError, r"Choose another folder\. Received: .*, which is not an export"):
            export(pgtf.load(UNET), folder, [TFLite()], ["maps"])

    def test_what_is_kept_is_checked(self):
        folder = new_folder()
        path = os.path.join(folder, "facades", "1")
        shutil.copytree(os.path.join(SERVED, "maps", "1"), path)
        shutil.copy(os.path.join(SERVED, "facades", "1", "assets", "task.json"), os.path.join(path, "assets"))
        with self.assertRaisesRegex(ValueError, r"Remove it and export again\. Received: .*facades/1 that differs by"):
            exported(pgtf.load(UNET), folder, [SavedModel()], ["facades"])
        os.truncate(os.path.join(path, "variables", "variables.data-00000-of-00001"), 100)
        with self.assertRaisesRegex(
            ValueError, r"Remove it and export again\. Received: .*facades/1 that can't be read"
        ):
            exported(pgtf.load(UNET), folder, [SavedModel()], ["facades"])


class FolderTest(parameterized.TestCase):
    def test_one_process_at_a_time(self):
        folder = new_folder()
        with files.locked(folder):
            os.makedirs(os.path.join(folder, ".exporting-x"))
            with self.assertRaisesRegex(ValueError, f"One process at a time exports .* where process {os.getpid()} is"):
                export(pgtf.load(UNET), folder, [TFLite()])
            self.assertTrue(os.path.isdir(os.path.join(folder, ".exporting-x")))

    def test_a_file_is_none(self):
        with self.assertRaisesRegex(ValueError, "must be a folder. Received: .*__init__.py, a file"):
            export(pgtf.load(UNET), pgtf.__file__, [TFLite()])

    def test_unknown_task(self):
        folder = new_folder()
        with self.assertRaisesRegex(ValueError, "one of facades, maps. Received: 'monet'"):
            export(pgtf.load(UNET), folder, [SavedModel()], ["monet"])
        self.assertFalse(os.path.exists(folder))

    def test_version_zero(self):
        with self.assertRaisesRegex(ValueError, "1 or more. Received: 0"):
            SavedModel(version=0)

    @parameterized.parameters(".hidden", "models.config")
    def test_a_name_stays_in_its_folder(self, name):
        run, folder = strangers([name]), new_folder()
        for form in (SavedModel(), TFLite()):
            with self.assertRaisesRegex(ValueError, f"cannot be used as a folder name.* Received: '{re.escape(name)}'"):
                export(run, folder, [form])
        self.assertEmpty(os.listdir(os.path.dirname(folder)))

    @parameterized.parameters("..", ".", "../up", "/etc", "a/b", "nul\0")
    def test_a_name_is_no_path(self, name):
        with self.assertRaisesRegex(ValueError, "cannot be used as a folder name"):
            Direction(types.SimpleNamespace(name=name), "forward")

    def test_two_exports_of_one_name(self):
        run, folder = strangers(["monet", "monet_backward"], RESNET), new_folder()
        with self.assertRaisesRegex(ValueError, r"the same path.* Received: two for .*/monet_backward\.tflite"):
            export(run, folder, [TFLite((20, 36))])
        self.assertFalse(os.path.exists(folder))


if __name__ == "__main__":
    absltest.main()

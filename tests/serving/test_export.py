"""Exports answer as pgtf does, without pgtf, and what would not is never kept."""

import functools
import glob
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized
from PIL import Image

import pgtf
from pgtf import files
from pgtf.data.images import rgb, to_float
from pgtf.evaluation.replay import outputs
from pgtf.runs.slices import BankError
from pgtf.serving import export
from pgtf.serving.export import TOLERANCE, SavedModel, TFLite
from pgtf.serving.signatures import Signatures
from tests.tiny import flip_a_bit, tiny_run

ROOT = pathlib.Path(__file__).parent.parent.parent
SIZES = {"trained": (32, 32), "odd": (21, 45)}


def setUpModule():
    """Two runs, exported by command line and by function."""
    global FOLDER, UNET, RESNET, SERVED, SAID
    FOLDER = tempfile.mkdtemp()
    UNET, RESNET, SERVED = (os.path.join(FOLDER, name) for name in ("unet", "resnet", "served"))
    tiny_run(UNET, size=(32, 32))
    tiny_run(RESNET, ("photos", "monet"), "resnet", "cyclegan", size=(32, 32))
    SAID = command("--format=saved_model,tflite")
    export.export(pgtf.load(RESNET), SERVED, [SavedModel(), TFLite((20, 36))], ["monet"])


def tearDownModule():
    shutil.rmtree(FOLDER)


def command(*flags):
    """scripts/export.py as a user runs it: its exit code, and what it said."""
    script = [sys.executable, "scripts/export.py", f"--run_dir={UNET}", f"--output={SERVED}", *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@functools.cache
def network(name):
    """The live network of an export."""
    task, _, prefix = name.partition("_")
    return pgtf.load(UNET if task in ("facades", "maps") else RESNET)[task].networks[prefix or "forward"], task


def answer(name, images):
    """What pgtf's own network makes of uint8 images of any size, in [-1, 1]."""
    net, task = network(name)
    multiple = 32 if task in ("facades", "maps") else 4
    height, width = images.shape[1:3]
    up = [max(-(-side // multiple) * multiple, 16) - side for side in (height, width)]
    padded = np.pad(images, [(0, 0), *((lack // 2, lack - lack // 2) for lack in up), (0, 0)], "reflect")
    top, left = (lack // 2 for lack in up)
    return outputs(net, padded)[:, top : top + height, left : left + width]


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def listing():
    """Every file there is, with its time and size."""
    paths = sorted(glob.glob(os.path.join(SERVED, "**"), recursive=True, include_hidden=True))
    return [(path, os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in paths if os.path.isfile(path)]


class SavedModelTest(absltest.TestCase):
    def test_a_program_without_pgtf_gets_the_same_through_both_loaders(self):
        chance = np.random.default_rng(1)
        questions, images = {}, {}
        for size, (height, width) in SIZES.items():
            for count in (1, 3):
                shown = chance.integers(0, 256, (count, height, width, 3), "uint8")
                images[f"{size} {count}"] = list(shown)
                questions[f"serving_default|images|{size} {count}"] = shown
                questions[f"encoded|image_bytes|{size} {count}"] = np.array([png(image) for image in shown], object)
        images["mixed"] = images["odd 3"][:1] + images["trained 3"][1:]
        questions["encoded|image_bytes|mixed"] = np.array([png(image) for image in images["mixed"]], object)
        asked, got = (os.path.join(FOLDER, name) for name in ("questions.npz", "answers.npz"))
        np.savez(asked, **questions)
        names = ["maps", "monet_backward"]
        models = [os.path.join(SERVED, name, "1") for name in names]
        stranger = [
            sys.executable,
            "-I",
            "-W",
            "ignore",
            str(ROOT / "tests" / "serving" / "stranger.py"),
            asked,
            got,
            *models,
        ]
        done = subprocess.run(stranger, cwd=FOLDER, capture_output=True, text=True, check=False)
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

    def test_tells_its_origin(self):
        with open(os.path.join(SERVED, "maps", "1", "assets", "task.json"), encoding="utf-8") as file:
            about = json.load(file)
        with open(os.path.join(UNET, "tasks", "02-maps", "slice.safetensors"), "rb") as file:
            self.assertEqual(about["slice_sha256"], files.sha256(file.read()))
        self.assertEqual((about["run"], about["pgtf"]), ("unet", pgtf.__version__))
        self.assertEqual(about["facts"]["method"]["name"], "piggyback")

    def test_holds_nothing_of_keras(self):
        self.assertFalse(os.path.exists(os.path.join(SERVED, "maps", "1", "keras_metadata.pb")))

    def test_next_version_without_checkpoints_is_the_same(self):
        bare = os.path.join(FOLDER, "bare")
        shutil.copytree(UNET, bare, ignore=shutil.ignore_patterns("train"))
        export.export(pgtf.load(bare), SERVED, [SavedModel(version=2)], ["maps"])
        contents = []
        for version in ("1", "2"):
            values = os.path.join(SERVED, "maps", version, "variables", "variables.data-00000-of-00001")
            with open(values, "rb") as file:
                contents.append(file.read())
        self.assertEqual(*contents)

    def test_models_config(self):
        with open(os.path.join(SERVED, "models.config"), encoding="ascii") as file:
            text = file.read()
        entry = r'config \{ name: "(\w+)" base_path: "/models/(\w+)" model_platform: "tensorflow" \}\s*'
        self.assertRegex(text, rf"^(#.*\n)*model_config_list \{{\s*({entry})+\}}\s*$")
        found = re.findall(entry, text)
        self.assertEqual(found, [(name, name) for name in ("facades", "maps", "monet", "monet_backward")])


class TFLiteTest(parameterized.TestCase):
    @parameterized.parameters(("facades", 32, 32), ("maps", 32, 32), ("monet", 20, 36), ("monet_backward", 20, 36))
    def test_answers_with_built_in_operations(self, name, height, width):
        path = os.path.join(SERVED, f"{name}.tflite")
        plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        for resolver in (tf.lite.experimental.OpResolverType.AUTO, plain):
            interpreter = tf.lite.Interpreter(path, experimental_op_resolver_type=resolver)
            image = np.random.default_rng(2).integers(0, 256, (1, height, width, 3), "uint8")
            result = interpreter.get_signature_runner()(images=to_float(image))["images"]
            self.assertLessEqual(np.abs(result - outputs(network(name)[0], image)).max(), 1e-5)
        operations = {operation["op_name"] for operation in interpreter._get_ops_details()}
        self.assertContainsSubset({"CONV_2D", "TRANSPOSE_CONV"}, operations)
        self.assertEmpty({name for name in operations if "flex" in name.lower() or "custom" in name.lower()})

    @parameterized.parameters((20, 22), (12, 12))
    def test_refuses_sizes_that_do_not_fit(self, *size):
        with self.assertRaisesRegex(ValueError, r"at least 16 px, in multiples of 4.*Received: \d+x\d+"):
            export.export(pgtf.load(RESNET), FOLDER, [TFLite(size)])


class SignaturesTest(parameterized.TestCase):
    @parameterized.product(size=[(1, 1), (1, 40), (2, 5), (32, 64), (33, 31), (70, 3)], multiple=[4, 32])
    def test_small_images_are_mirrored_as_often_as_it_takes(self, size, multiple):
        seen = []

        def spy(images, training):
            seen.append(images)
            return -images

        image = np.random.default_rng(3).uniform(-1, 1, (2, *size, 3)).astype("float32")
        with mock.patch.object(tf, "function", lambda function, _: function):
            result = Signatures(spy, multiple).floats(tf.constant(image))["images"]
        np.testing.assert_array_equal(result, -image)
        up = [max(-(-side // multiple) * multiple, 16) - side for side in size]
        sides = [(lack // 2, lack - lack // 2) for lack in up]
        np.testing.assert_array_equal(seen[0], np.pad(image, [(0, 0), *sides, (0, 0)], "reflect"))

    @parameterized.product(mode=["RGB", "L"], subsampling=[0, 2])
    def test_photos_are_read_as_in_training(self, mode, subsampling):
        pixels = np.random.default_rng(5).integers(0, 256, (9, 7, 3), "uint8").repeat(4, 0).repeat(4, 1)
        file = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(file, "jpeg", subsampling=subsampling)
        self._reads(file, 0)

    @parameterized.parameters("RGB", "L", "RGBA", "LA", "P", "1", "I;16")
    def test_files_are_read_as_everywhere_in_pgtf(self, mode):
        pixels = np.random.default_rng(4).integers(0, 256, (9, 7, 4), "uint8")
        if mode == "I;16":
            image = Image.fromarray(pixels[..., 0].astype("uint16") * 257)
        else:
            image = Image.fromarray(pixels[..., :2] if mode == "LA" else pixels, "LA" if mode == "LA" else "RGBA")
            image = image.convert(mode)
        file = io.BytesIO()
        image.save(file, "png")
        self._reads(file, 1)  # Blending with white rounds.

    def _reads(self, file, tolerance):
        asked = tf.constant([file.getvalue()])
        result = Signatures(lambda images, training: images, 1).encoded(asked)["image_bytes"][0].numpy()
        result = np.asarray(Image.open(io.BytesIO(result))).astype(int)
        self.assertLessEqual(np.abs(result - rgb(Image.open(file))).max(), tolerance)

    def test_every_level_comes_back(self):
        levels = np.arange(256, dtype="uint8").repeat(3).reshape(1, 16, 16, 3)
        result = Signatures(lambda images, training: images, 1).images(tf.constant(levels))["images"]
        np.testing.assert_array_equal(result, levels)


class CommandTest(absltest.TestCase):
    def test_says_what_it_did_and_how_far_off_it_is(self):
        code, said = SAID
        self.assertEqual(code, 0, said)
        for name in ("facades", "maps"):
            for path in (f"{name}/1", f"{name}.tflite"):
                self.assertIn(f"{name}: {os.path.join(SERVED, path)} ...\n", said)
            differences = re.findall(rf"{name}: checked, differs from the live network by (\d.\de-\d+)", said)
            self.assertLen(differences, 2)
            self.assertLess(max(map(float, differences)), 1e-5)

    def test_refuses_an_unknown_format(self):
        code, said = command("--format=saved_model,onnx")
        self.assertEqual(code, 1)
        self.assertIn("--format must be of saved_model, tflite. Received: onnx", said)


class RefusalTest(absltest.TestCase):
    def test_existing_exports_stay(self):
        before = listing()
        run = pgtf.load(UNET)
        with self.assertRaisesRegex(ValueError, r"next free version is \d+. Received: .*facades/1, which exists"):
            export.export(run, SERVED, [SavedModel()])
        with self.assertRaisesRegex(ValueError, r"never overwrites.*facades\.tflite, which exists"):
            export.export(run, SERVED, [SavedModel(version=7), TFLite()])
        self.assertEqual(listing(), before)

    def test_next_free_version_is_above_all(self):
        folder = os.path.join(FOLDER, "versions")
        for version in ("1", "12", ".exporting-x"):
            os.makedirs(os.path.join(folder, "maps", version))
        with self.assertRaisesRegex(ValueError, "next free version is 13"):
            export.export(pgtf.load(UNET), folder, [SavedModel()], ["maps"])

    def test_unknown_task(self):
        with self.assertRaisesRegex(ValueError, "one of facades, maps. Received: 'monet'"):
            export.export(pgtf.load(UNET), os.path.join(FOLDER, "none"), [SavedModel()], ["monet"])
        self.assertFalse(os.path.exists(os.path.join(FOLDER, "none")))

    def test_version_zero(self):
        with self.assertRaisesRegex(ValueError, "1 or more. Received: 0"):
            SavedModel(version=0)

    def test_altered_slice(self):
        altered = os.path.join(FOLDER, "altered")
        shutil.copytree(UNET, altered)
        path = os.path.join(altered, "tasks", "01-facades", "slice.safetensors")
        flip_a_bit(path)
        with self.assertRaisesRegex(BankError, "sha256 differs. Received: .*01-facades"):
            export.export(pgtf.load(altered), os.path.join(FOLDER, "from_altered"), [TFLite()], ["maps"])

    def test_an_export_that_answers_otherwise_is_not_kept(self):
        folded, folder = export.folded, os.path.join(FOLDER, "wrong")

        def off(change):
            def wrongly_folded(live):
                plain = folded(live)
                plain.get_layer("output").bias.assign_add([0.0, change, 0.0])
                return plain

            return mock.patch.object(export, "folded", wrongly_folded)

        for form, change in ((SavedModel(), 5e-4), (TFLite(), np.nan)):
            with off(change), self.assertRaisesRegex(ValueError, "within 1e-04; nothing was kept. Received: maps"):
                export.export(pgtf.load(UNET), folder, [form], ["maps"])
            self.assertEmpty(os.listdir(folder))

    def test_signatures_that_round_otherwise_are_not_kept(self):
        folder = os.path.join(FOLDER, "truncated")
        with mock.patch.object(tf, "round", tf.floor), self.assertRaisesRegex(ValueError, "nothing was kept"):
            export.export(pgtf.load(UNET), folder, [SavedModel()], ["maps"])


if __name__ == "__main__":
    absltest.main()

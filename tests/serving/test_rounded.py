"""TFLite files of fewer bits, and ONNX files: what they answer, and what they say of it."""

import importlib.util
import os
import shutil
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.data.rgb_images import to_float
from pgtf.runs.run import Run
from pgtf.serving.export import export
from pgtf.serving.onnx import OPSET, Onnx
from pgtf.serving.tflite import TFLite, interpreter
from tests.tiny import tiny_run

HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "tf2onnx"))


class RoundedTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        place = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, place)
        cls.run_dir = tiny_run(os.path.join(place, "run"), size=(16, 16), upsampling="resize")
        cls.output = os.path.join(place, "out")

    @pytest.mark.long
    def test_fewer_bits_take_fewer_bytes_and_answer_nearly_the_same(self):
        run, sizes, off = Run(self.run_dir), {}, {}
        forms = {name: TFLite(precision=name) for name in ("float32", "float16", "dynamic", "int8")}
        with self.assertLogs("pgtf", "INFO") as logs:
            export(run, self.output, list(forms.values()), ["maps"])
        for name, form in forms.items():
            path = os.path.join(self.output, "maps.tflite" if name == "float32" else f"maps.{name}.tflite")
            sizes[name] = os.path.getsize(path)
            self.assertEqual(form.described(path)["size"], [16, 16])
            self.assertEqual(form.described(path).get("precision", "float32"), name)
            given = np.random.default_rng(3).integers(0, 256, (16, 16, 3), "uint8")
            answer = interpreter()(path).get_signature_runner()(images=to_float(given)[None])["images"]
            self.assertEqual(answer.dtype, np.float32)
            off[name] = np.abs(answer - run["maps"].networks["forward"](to_float(given)[None]).numpy()).mean()
        self.assertLess(sizes["float16"], 0.75 * sizes["float32"])
        self.assertLess(sizes["dynamic"], sizes["float16"])
        self.assertLess(off["float32"], 1e-4)
        self.assertBetween(off["float16"], 1e-7, 5e-3)
        self.assertBetween(off["dynamic"], 1e-5, 5e-2)
        self.assertBetween(off["int8"], 1e-4, 0.2)
        self.assertRegex("\n".join(logs.output), r"int8: differs by \S+ on average, by \S+ at most")

    def test_onnx_answers_the_same_at_any_size(self):
        if not HAS_ONNX:
            self.skipTest("The extra [onnx] is not installed.")
        import onnxruntime

        run = Run(self.run_dir)
        export(run, self.output, [Onnx()], ["facades"])
        path = os.path.join(self.output, "facades.onnx")
        self.assertEqual(Onnx().described(path)["opset"], OPSET)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for shape in ((1, 16, 16, 3), (2, 32, 48, 3)):
            given = to_float(np.random.default_rng(3).integers(0, 256, shape, "uint8"))
            expected = run["facades"].networks["forward"](given, training=False).numpy()
            self.assertAllClose(session.run(None, {"images": given})[0], expected, atol=1e-4)
        export(run, self.output, [Onnx()], ["facades"])  # It is there, and is kept.

    def test_without_the_extra_it_is_named(self):
        if HAS_ONNX:
            self.skipTest("The extra [onnx] is installed.")
        with self.assertRaisesRegex(ValueError, r"--format=onnx needs `pip install 'pgtf\[onnx\]'`. Received: no "):
            export(Run(self.run_dir), self.output, [Onnx()], ["facades"])


if __name__ == "__main__":
    tf.test.main()

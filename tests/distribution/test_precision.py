"""Checks the compute dtype of networks where a run leaves it to the machine."""

import dataclasses
import os
import tempfile

from absl.testing import absltest, parameterized

from pgtf.config import Config, resumed
from pgtf.distribution import precision
from pgtf.training.sequence import SequentialTrainer


class FastestTest(parameterized.TestCase):
    @parameterized.parameters(
        ({"avx2"}, [], "float32"),
        ({"avx2", "avx512f"}, [], "float32"),
        ({"avx512f", "avx512_bf16"}, [], "mixed_bfloat16"),
        ({"amx_bf16"}, [], "mixed_bfloat16"),
        ({"amx_int8", "amx_tile"}, [], "float32"),
        ({"amx_bf16"}, [(6, 1)], "float32"),
        (set(), [(7, 0)], "mixed_float16"),
        (set(), [(7, 5)], "mixed_float16"),
        (set(), [(8, 0)], "mixed_bfloat16"),
        (set(), [(9, 0), (8, 6)], "mixed_bfloat16"),
        (set(), [(9, 0), (7, 5)], "mixed_float16"),
        (set(), [(10, 0)], "mixed_bfloat16"),
        ({"amx_bf16"}, [(0, 0)], "float32"),
    )
    def test_a_machine_without_gpus_its_processor_and_with_some_the_least_of_them(self, instructions, gpus, fastest):
        self.assertEqual(precision.fastest(instructions, gpus), fastest)

    def test_instructions_are_those_of_the_first_core(self):
        path = os.path.join(self.create_tempdir().full_path, "cpuinfo")
        with open(path, "w") as file:
            file.write("processor\t: 0\nflags\t\t: fpu amx_bf16\nbugs\t\t: fdiv\n\nprocessor\t: 1\nflags\t\t: sse\n")
        self.assertEqual(precision.instructions(path), {"fpu", "amx_bf16"})

    def test_a_machine_that_tells_none_has_none(self):
        self.assertEqual(precision.instructions("/no such file"), set())


class ResolvedTest(absltest.TestCase):
    def test_only_auto_is_the_machines_choice(self):
        self.assertEqual(precision.resolved("mixed_float16"), "mixed_float16")
        self.assertIn(precision.resolved("auto"), ("float32", "mixed_float16", "mixed_bfloat16"))

    def test_a_run_keeps_what_it_came_to(self):
        with tempfile.TemporaryDirectory() as folder:
            sequence = SequentialTrainer(Config(run_dir=folder, image_size="16", width=2, precision="auto"))
        self.assertEqual(sequence.config.precision, precision.resolved("auto"))

    def test_a_run_that_goes_on_elsewhere_computes_as_it_did(self):
        run = Config(precision="mixed_float16")
        self.assertEqual(resumed(run, dataclasses.replace(run, precision="auto"), ()), run)


if __name__ == "__main__":
    absltest.main()

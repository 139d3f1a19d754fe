"""Slices from strangers: whole by their hashes, and wrong in what they say."""

import copy
import json
import os

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from safetensors.numpy import save

from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.runs.listing import rows
from pgtf.runs.run import Run
from pgtf.runs.verify import verdicts
from pgtf.storage.task_slice import TaskSlice, _digest
from tests.tiny import tiny_run


def change(path, value):
    """A function that sets one entry of a description."""

    def changed(description):
        for key in path[:-1]:
            description = description[key]
        description[path[-1]] = value

    return changed


def remove(*path):
    """A function that removes one entry of a description."""

    def removed(description):
        for key in path[:-1]:
            description = description[key]
        del description[path[-1]]

    return removed


WRONG = {
    "name_outside": change(["name"], ".."),
    "name_with_separator": change(["name"], "../../evil"),
    "name_no_text": change(["name"], 7),
    "huge_width": change(["facts", "architecture", "width"], 20_000),
    "many_blocks": change(["facts", "architecture", "blocks"], 10**6),
    "many_outputs": change(["facts", "architecture", "outputs"], 10**6),
    "size_no_power": change(["facts", "architecture", "size"], [100, 100]),
    "size_huge": change(["facts", "architecture", "size"], [2**40, 2**40]),
    "size_no_pair": change(["facts", "architecture", "size"], [8]),
    "width_text": change(["facts", "architecture", "width"], "4"),
    "network_unknown": change(["facts", "architecture", "network"], "vgg"),
    "architecture_missing": remove("facts", "architecture"),
    "method_unknown": change(["facts", "method", "name"], "magic"),
    "method_text": change(["facts", "method"], "piggyback"),
    "ratio_beyond": change(["facts", "method", "unconstrained_ratio"], 1e300),
    "ratio_other": change(["facts", "method", "unconstrained_ratio"], 0.5),
    "setting_unknown": change(["facts", "method", "colour"], "red"),
    "objective_missing": remove("facts", "objective"),
    "fact_unknown": change(["facts", "surprise"], 1),
    "facts_no_object": change(["facts"], []),
    "tensors_no_object": change(["tensors"], []),
    "tensor_missing": remove("tensors", "forward/down1/bias"),
    "tensor_of_another_shape": change(["tensors", "forward/down1/bias", "shape"], [1 << 40]),
    "tensor_of_other_bits": change(["tensors", "forward/down1/bias", "bits"], 16),
    "borrows_unknown": change(["borrows"], [{"task": "elsewhere", "sha256": "0" * 64}]),
    "borrows_text": change(["borrows"], "all"),
    "learnt_number": change(["facts", "learnt"], 20240203),
    "data_list": change(["facts", "data"], ["drawn"]),
    "steps_text": change(["facts", "steps"], "10"),
    "full_values_huge": change(["facts", "full_values"], 10**400),
    "load_size_texts": change(["facts", "load_size"], ["20", "20"]),
    "ratio_text": change(["facts", "method", "unconstrained_ratio"], "0.25"),
    "share_number": change(["facts", "method", "share_bank"], 1),
    "shape_of_halves": change(["tensors", "forward/down1/bias", "shape"], [4.5]),
    "shape_negative": change(["tensors", "forward/down1/bias", "shape"], [-4]),
    "shape_beyond_numbers": change(["tensors", "forward/down1/bias", "shape"], [2**60] * 20),
    "bits_text": change(["tensors", "forward/down1/bias", "bits"], "32"),
    "borrows_number": change(["borrows", 0, "sha256"], 7),
    "images_a_list": change(["facts", "images"], {"train": []}),
    "images_without_a_count": change(["facts", "images"], {"train": {"sha256": "0" * 64}}),
    "images_none": change(["facts", "images"], {"train": {"count": 0}}),
    "images_left_out_a_text": change(["facts", "images"], {"train": {"count": 2, "left_out": "a.png"}}),
    "images_left_out_lists": change(["facts", "images"], {"train": {"count": 2, "left_out": [["a.png"]]}}),
    "borrows_itself": change(["borrows"], [{"task": "maps", "sha256": "0" * 64}]),
}


class StrangersTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.create_tempdir().full_path, "run")
        tiny_run(self.folder)
        self.place = os.path.join(self.folder, "tasks", "02-maps")

    def rewritten(self, changed):
        path = os.path.join(self.place, "slice.json")
        with open(path) as file:
            description = copy.deepcopy(json.load(file))
        changed(description)
        description["own_sha256"] = _digest(description)
        os.chmod(path, 0o644)
        with open(path, "w") as file:
            json.dump(description, file)

    @parameterized.named_parameters(WRONG.items())
    def test_what_is_wrong_is_said(self, changed):
        self.rewritten(changed)
        with self.assertRaisesRegex(BankError, "Received"):
            Run(self.folder)["maps"].rebuilt()

    def test_it_keeps_no_other_task_from_being_checked(self):
        for name in ("facts_no_object", "tensor_missing", "borrows_unknown"):
            self.rewritten(WRONG[name])
        found = list(verdicts(self.folder))
        self.assertEqual([verdict.holds for verdict in found], [True, False])
        self.assertIn("Received", found[1].problem)

    def test_a_larger_network_than_is_stored_is_not_built(self):
        self.rewritten(change(["facts", "architecture", "width"], 16))
        with self.assertRaisesRegex(
            BankError, "The slice's facts do not match its tensors. Received: .* bytes, where .* are stored"
        ):
            Run(self.folder)["maps"].rebuilt()

    def test_a_lie_of_a_wide_tensor_makes_no_room_for_a_wide_network(self):
        self.rewritten(change(["tensors", "forward/down1/bias", "shape"], [2**30]))
        self.rewritten(change(["facts", "architecture", "width"], 2**30))
        with self.assertRaisesRegex(BankError, "holds the tensors that it lists. Received: forward/down1/bias"):
            Run(self.folder)["maps"].rebuilt()

    def test_a_list_counts_no_network_of_a_million_blocks(self):
        self.rewritten(change(["facts", "full_values"], 0))
        self.rewritten(change(["facts", "architecture"], {"network": "resnet", "size": [16, 16], "blocks": 10**6}))
        with self.assertRaisesRegex(BankError, "The slice's facts do not match its tensors"):
            rows(self.folder)

    def test_deep_json(self):
        path = os.path.join(self.place, "slice.json")
        os.chmod(path, 0o644)
        with open(path, "w") as file:
            file.write("[" * 200_000 + "]" * 200_000)
        with self.assertRaisesRegex(BankError, "must be the JSON that was written"):
            TaskSlice.read(self.place)

    def test_bfloat16_tensors(self):
        header = json.dumps({"forward/down1/bias": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}).encode()
        self._tensors(len(header).to_bytes(8, "little") + header + bytes(8))
        with self.assertRaisesRegex(BankError, "holds the tensors that it lists. Received: forward/down1/bias"):
            TaskSlice.read(self.place).values["forward/down1/bias"]

    def test_tensors_without_the_listed_ones(self):
        self._tensors(save({"other": np.zeros(3, "float32")}))
        with self.assertRaisesRegex(BankError, "holds the tensors that it lists"):
            TaskSlice.read(self.place).check()

    def test_no_safetensors(self):
        self._tensors(b"\xff" * 100)
        with self.assertRaisesRegex(BankError, "must be a safetensors file"):
            TaskSlice.read(self.place).check()

    def _tensors(self, content):
        path = os.path.join(self.place, "slice.safetensors")
        os.chmod(path, 0o644)
        with open(path, "wb") as file:
            file.write(content)
        self.rewritten(change(["sha256"], files.sha256(content)))


if __name__ == "__main__":
    tf.test.main()

"""Weights with torchvision's names become the first task: the same function of images, or a clear refusal."""

import dataclasses
import os
import tempfile

import h5py
import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from safetensors.numpy import save_file

from pgtf import layers, methods
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank
from pgtf.assembly.folded_norms import measure_folded_norms
from pgtf.assembly.pretrained_weights import check_input_values, matched, outputs_in, read_weights
from pgtf.config import Config, task_plans
from pgtf.evaluation.run_evaluation import RunEvaluation
from pgtf.networks import Architecture
from pgtf.objectives import Classification
from pgtf.runs.plan import channels_of_tasks
from pgtf.runs.run import Run
from pgtf.training.first_task import take_base
from tests.tiny import random_value

SHAPE = Architecture("resnet18", (16, 16), width=2, norm="batch", outputs=5, options=(("stages", 2),))
NAMES = SHAPE.row.published_names
# What PyTorch calls the arrays of a slice.
THEIRS = {"unconstrained": "weight", "gamma": "weight", "beta": "bias"}
THEIRS |= {"moving_mean": "running_mean", "moving_variance": "running_var"}


def network(shape, seed=0):
    """A network of random values."""
    made = build.generators(shape, methods.Full(), ("forward",))["forward"]
    draw = np.random.default_rng(seed)
    layers.restore(made, {path: random_value(draw, path, value) for path, value in layers.state(made).items()})
    return made


def torchs(made):
    """The state of a network with PyTorch's names and layouts."""
    found = {}
    for path, value in layers.state(made).items():
        _, layer, part = path.split("/")
        if part == "unconstrained":
            value = value[0, 0].T if layer == "scores" else value.transpose(3, 2, 0, 1)
        found[f"{NAMES[layer]}.{THEIRS.get(part, part)}"] = np.ascontiguousarray(value)
    return found


def written(weights, ending):
    """The path of a file of weights."""
    path = os.path.join(tempfile.mkdtemp(), f"weights{ending}")
    np.savez(path, **weights) if ending == ".npz" else save_file(weights, path)
    return path


def images(size=16):
    return np.random.default_rng(1).uniform(-1, 1, (2, size, size, 3)).astype("float32")


class MatchedTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(".npz", ".safetensors")
    def test_pytorchs_weights_make_the_same_network(self, ending):
        source, target = network(SHAPE), network(SHAPE, seed=9)
        path = written(torchs(source), ending)
        self.assertEqual(outputs_in(path, NAMES), 5)
        layers.restore(target, matched(layers.state(target), read_weights(path), NAMES, path))
        self.assertAllEqual(target(images()), source(images()))

    def test_keras_files_are_read(self):
        model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3, name="conv1")])
        path = os.path.join(tempfile.mkdtemp(), "one.weights.h5")
        model.save_weights(path, **({} if keras.__version__ >= "3" else {"save_format": "h5"}))
        self.assertLen(read_weights(path), 2)

    def test_keras_applications_vgg16(self):
        """A file with the names of the published one, read by a network that gets the same images as RGB."""
        shape = Architecture("vgg16", (32, 32), width=2, norm="none", outputs=5, options=(("input_values", "caffe"),))
        names, target = shape.row.published_names, network(shape, seed=9)
        source = network(dataclasses.replace(shape, options=()))
        path = os.path.join(tempfile.mkdtemp(), "vgg16_weights_tf_dim_ordering_tf_kernels.h5")
        with h5py.File(path, "w") as file:
            for place, value in layers.state(source).items():
                _, layer, part = place.split("/")
                theirs, dense = names[layer], layer.startswith(("dense", "scores"))
                value = value[0, 0] if dense and part == "unconstrained" else value
                file[f"{theirs}/{theirs}_{'b' if part == 'bias' else 'W'}_1:0"] = value
        weights = read_weights(path)
        self.assertEqual(outputs_in(path, names), 5)
        layers.restore(target, matched(layers.state(target), weights, names, path))
        levels = (images(32) + 1) * 127.5
        given = levels[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32")
        self.assertAllClose(target(images(32)), source(given), rtol=1e-4, atol=1e-3)
        with self.assertRaisesRegex(ValueError, "need --input_values=caffe. Received: .*, plain"):
            check_input_values(weights, "plain", path)

    def test_keras_applications_resnet50_is_refused_with_the_reason(self):
        path = os.path.join(tempfile.mkdtemp(), "resnet50.h5")
        with h5py.File(path, "w") as file:
            file["conv2_block1_1_conv/conv2_block1_1_conv/kernel:0"] = np.zeros([1, 1, 64, 64], "float32")
        with self.assertRaisesRegex(ValueError, "stride is in the 1 × 1 convolutions.*Use torchvision's weights"):
            read_weights(path)

    def test_folded_norms_become_norms_that_do_the_same(self):
        plain = dataclasses.replace(SHAPE, norm="none")
        source, target = network(plain), network(SHAPE, seed=9)
        weights = torchs(source)
        layers.restore(target, matched(layers.state(target), weights, NAMES, ""))
        self.assertAllClose(target(images()), source(images()), rtol=1e-4, atol=1e-4)

    def test_measured_folded_norms_normalize_and_do_the_same(self):
        plain = dataclasses.replace(SHAPE, norm="none")
        source, target = network(plain), network(SHAPE, seed=9)
        layers.restore(target, matched(layers.state(target), torchs(source), NAMES, ""))
        measure_folded_norms(target, list(images()))
        self.assertAllClose(target(images()), source(images()), rtol=1e-4, atol=1e-4)
        # Training, too, takes these images' own statistics: folded norms would change the function at its first step.
        self.assertAllClose(target(images(), training=True), source(images()), rtol=1e-2, atol=1e-2)
        stem = target.get_layer("stem_norm")
        maps = keras.Model(target.inputs, stem.input)(images()).numpy().astype("float64")
        self.assertAllClose(stem.moving_mean, maps.mean((0, 1, 2)), atol=1e-5)
        self.assertAllClose(stem.moving_variance, maps.var((0, 1, 2)), rtol=1e-3)

    def test_norms_that_are_not_folded_stay(self):
        target = network(SHAPE)
        before = layers.state(target)
        measure_folded_norms(target, list(images()))
        for path, value in layers.state(target).items():
            self.assertAllEqual(value, before[path], path)

    def test_a_last_layer_that_is_missing_keeps_its_initial_values(self):
        source, target = network(SHAPE), network(SHAPE, seed=9)
        weights = {name: value for name, value in torchs(source).items() if not name.startswith("fc.")}
        before = layers.state(target)["forward/scores/unconstrained"]
        found = matched(layers.state(target), weights, NAMES, "")
        self.assertAllEqual(found["forward/scores/unconstrained"], before)
        self.assertAllEqual(found["forward/stem/unconstrained"], layers.state(source)["forward/stem/unconstrained"])

    def test_other_networks_are_refused(self):
        state, weights = layers.state(network(SHAPE)), torchs(network(dataclasses.replace(SHAPE, width=3)))
        with self.assertRaisesRegex(ValueError, r"--network.*--image_size.*stem/unconstrained \[3, 3, 3, 2\], not "):
            matched(state, weights, NAMES, "w.npz")
        weights = torchs(network(SHAPE))
        del weights["layer1.0.conv1.weight"]
        with self.assertRaisesRegex(ValueError, "1 of 52 do not fit: forward/stage1_block1a/unconstrained .*missing"):
            matched(state, weights, NAMES, "w.npz")
        with self.assertRaisesRegex(ValueError, "must be .npz, .safetensors, .h5. Received: '.*nothing.npz'"):
            read_weights("nothing.npz")

    def test_imagenets_values(self):
        shape = dataclasses.replace(SHAPE, options=(("input_values", "imagenet"), ("stages", 2)))
        mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        one, other = network(SHAPE), network(shape)
        given = (((images() + 1) / 2 - mean) / spread).astype("float32")
        self.assertAllClose(other(images()), one(given), rtol=1e-4, atol=1e-4)


def of_weights(method, weights):
    """A config whose first task is a file of weights."""
    return Config(
        run_dir=tempfile.mkdtemp(),
        tasks=("imagenet", "shapes"),
        method=method,
        objective=Classification(),
        network="resnet18",
        options=(("stages", 2),),
        norm="batch",
        image_size="16",
        width=2,
        first_task_from=written(weights, ".npz"),
    )


class FirstTaskTest(tf.test.TestCase):
    def test_packnet_prunes_it(self):
        source = network(SHAPE)
        plan = task_plans(of_weights(methods.PackNet(prune_ratio=0.25), torchs(source)))[0]
        bank = NetworkBank(folder=os.path.join(plan.run.run_dir, "tasks"))
        take_base(plan, bank)
        made = layers.made_kernels(bank.network("imagenet", "forward"))
        for path, recipe in layers.made_kernels(source).items():
            if path.endswith("scores"):
                continue
            kernel = recipe.kernel().numpy()
            order = np.argsort(-np.abs(kernel).ravel(), kind="stable")
            kept = np.zeros(kernel.size, bool)
            kept[order[: kernel.size - kernel.size // 4]] = True
            self.assertAllEqual(made[path].kernel(), np.where(kept.reshape(kernel.shape), kernel, 0), path)

    def test_cpg_which_prunes_by_images_is_refused(self):
        plan = task_plans(of_weights(methods.Cpg(), torchs(network(SHAPE))))[0]
        with self.assertRaisesRegex(ValueError, "Only --method=packnet can prune weights from a file.*Received: Cpg"):
            take_base(plan, NetworkBank(folder=os.path.join(plan.run.run_dir, "tasks")))

    def test_it_is_the_first_task_of_a_run_without_images(self):
        source = network(SHAPE)
        config = of_weights(methods.Mask(), torchs(source))
        plans = task_plans(config)
        self.assertEqual(channels_of_tasks(plans), {"imagenet": (3, 5), "shapes": (3, 6)})
        bank = NetworkBank(folder=os.path.join(config.run_dir, "tasks"))
        take_base(plans[0], bank)
        task = Run(config.run_dir)["imagenet"]
        self.assertAllEqual(task.networks["forward"](images()), source(images()))
        self.assertTrue(task.replay().bit_equal)
        self.assertEqual(task.facts.objective.labels, tuple("01234"))
        evaluation = RunEvaluation(Run(config.run_dir))
        self.assertEqual(evaluation.measure().values, {})
        with self.assertRaisesRegex(ValueError, "Only tasks with images can be measured. Received: imagenet"):
            evaluation.measure(["imagenet"])


if __name__ == "__main__":
    tf.test.main()

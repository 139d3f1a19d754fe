"""Conformance of every method, with all objectives. A row of METHODS joins by itself."""

import dataclasses
import functools
import os
import struct
import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import layers, recipes
from pgtf.assembly import build
from pgtf.assembly.accounting import summary
from pgtf.assembly.planned_data import data_of, with_data
from pgtf.config import load_config, task_plans
from pgtf.config.combinations import refusal
from pgtf.methods import METHODS
from pgtf.networks import NETWORKS
from pgtf.objectives import OBJECTIVES
from pgtf.runs.plan import planned
from pgtf.runs.run import Run
from tests.tiny import random_value, tiny_run

FORGETTING = {"finetune", "distilled"}
# They learn more than they keep: so many variables for each weight of the kernels, of which there is a bit.
PRUNING = {"packnet": 1, "pae": 1, "cpg": 2}
# Settings for networks of four filters, where the defaults would show nothing.
SETTINGS = {
    "width_wise": {"learn_ratio": 0.5},
    "layer_wise": {"learn_ratio": 0.3},
    "layered": {
        "layers": "outer1:free:int8,down2:piggyback(0.5),up3:low_rank(2):int4,up2:delta(3),inner:frozen,"
        "head:free:int8,norms:free:float16"
    },
    ("layered", "classification"): {
        "layers": "stem:free:int8,stage1_block1*:piggyback(0.5),stage1*:low_rank(2):float16,head:free:int8,"
        "norms:free:float16"
    },
}
# Rows that are no more than a number or a recipe: a second network and a second generator find nothing more in them.
# With PGTF_EVERY=1 in the environment they are tried with all. Their steps as classifiers are in test_combinations.py.
ONCE = {
    "half",
    "quarter",
    "factorized",
    "full",
    "mask",
    "low_rank",
    "lora",
    "modulated",
    "width_wise",
    "delta",
    "frozen",
    "layered",
}
# The objectives with which `make test` tries a method; `make test-long` tries it with its others. Default: TRIED.
TRIED = ("pix2pix", "unconditional")
TRIED_WITH = {
    # Their recipes have tests of their own, they learn in test_combinations.py, and `layered` has several of them.
    **dict.fromkeys(ONCE - {"layered"}, ()),
    "piggyback": ("pix2pix", "cyclegan"),
    "finetune": ("classification",),
    "layer_wise": ("cyclegan",),
    "pae": (),  # CPG without masks.
    "cpg": ("classification",),
}
# The methods that are not tried with unconditional generation, where a learner takes seconds to build.
NOT_GENERATING = METHODS.keys() - {"width_wise", "mapping_only", "minegan"}
CASES = [
    dict(
        testcase_name=f"{method}_{network}_{objective}" + "_long" * (objective not in TRIED_WITH.get(method, TRIED)),
        method=method,
        objective=objective,
        network=network,
    )
    for method in METHODS
    for network, objective in (
        ("unet", "pix2pix"),
        ("resnet", "cyclegan"),
        ("resnet18", "classification"),
        ("stylegan2", "unconditional"),
    )
    if (
        network == "unet"
        or method not in (NOT_GENERATING if network == "stylegan2" else ONCE)
        or os.environ.get("PGTF_EVERY")
    )
    and not refusal(METHODS[method](), OBJECTIVES[objective](), NETWORKS[network])
]
# {objective: the tasks as if learnt, and the one to learn}
TASKS = {"classification": ("shapes", "textures", "digits"), "unconditional": ("faces", "cats", "maps")}


@functools.cache
def run_of(method, objective, network):
    """A run with two tasks as if learnt, and its config with a third one to learn."""
    folder = tempfile.mkdtemp()
    settings = SETTINGS.get((method, objective), SETTINGS.get(method, {}))
    *tasks, coming = TASKS.get(objective, ("facades", "maps", "edges"))
    run = Run(tiny_run(folder, tuple(tasks), network, objective, method=METHODS[method](**settings)))
    config = dataclasses.replace(load_config(folder), discriminator_width=2, discriminator_layers=1)
    return run, dataclasses.replace(config, tasks=(*config.tasks, coming))


@functools.cache
def learner_of(method, objective, network):
    """The third task as it begins."""
    run, config = run_of(method, objective, network)
    if objective == "classification":  # At 2e-4 a step of SGD is less than float32's resolution.
        config = dataclasses.replace(config, learning_rate=0.1)
    plan = task_plans(config)[2]
    plan = with_data(plan, data_of(plan)) if plan.objective.own_outputs else plan
    return build.learner(plan, run.bank, steps=10)


def packed_of(**case):
    """The recipes of the third task whose weights tasks share."""
    kernels = [layers.made_kernels(network) for network in learner_of(**case).generators.values()]
    return [recipe for found in kernels for recipe in found.values() if isinstance(recipe, recipes.Packed)]


def batch(seed, objective=""):
    draw = np.random.default_rng(seed)
    if objective == "unconditional":
        return (draw.uniform(-1, 1, [1, 16, 16, 3]).astype("float32"),)
    if objective == "classification":  # Two images, as batch norm would make one pixel of one image zero.
        return draw.uniform(-1, 1, [2, 16, 16, 3]).astype("float32"), np.array([1, 0], "int32")
    return tuple(draw.uniform(-1, 1, [1, 16, 16, 3]).astype("float32") for _ in range(2))


def inputs(seed, shape):
    """Inputs of a network: images or, where the shape has one axis, latents."""
    draw = np.random.default_rng(seed)
    return draw.uniform(-1, 1, [1, *(shape if len(shape) == 1 else (16, 16, 3))]).astype("float32")


def payload(path):
    """The bytes of the tensors of a safetensors file: all but its header, whose length stands first."""
    with open(path, "rb") as file:
        (header,) = struct.unpack("<Q", file.read(8))
    return os.path.getsize(path) - 8 - header


def averages_of(learner):
    """The moving averages of a task's own batch norms, which it stores and no gradient moves."""
    owned = [layer for network in learner.generators.values() for layer in network.layers]
    norms = [layer for layer in owned if isinstance(layer, keras.layers.BatchNormalization)]
    return [variable for layer in norms for variable in layer.non_trainable_weights]


def perturb(network, seed):
    """Gives a network other values of all that a task stores."""
    draw, state = np.random.default_rng(seed), layers.state(network)
    layers.restore(network, {path: random_value(draw, path, value) for path, value in state.items()})


@parameterized.named_parameters(CASES)
class ConformanceTest(tf.test.TestCase, parameterized.TestCase):
    def test_disk_holds_what_was_planned_to_the_byte(self, **case):
        run, config = run_of(**case)
        for index, task in enumerate(summary(planned(task_plans(config)))["tasks"][:2]):
            path = os.path.join(run.bank.place(index, task["name"]), "slice.safetensors")
            self.assertEqual(payload(path), run.bank.slice(index).stored_bytes, task["name"])
            if run.bank.slice(index).values.streams:  # The plan has what they take at most.
                self.assertBetween(payload(path), 0.8 * task["bytes"], task["bytes"], task["name"])
            else:
                self.assertEqual(payload(path), task["bytes"], task["name"])

    def test_no_task_changes_or_the_method_forgets(self, **case):
        run, _ = run_of(**case)
        first = run.at(0, 1)
        self.assertEqual(first.replay().bit_equal, case["method"] not in FORGETTING)
        self.assertEqual(first.replay().holds, case["method"] not in FORGETTING)
        if case["method"] in FORGETTING:  # AnswerCache by the second's network; its own is still what it was.
            if not first.facts.objective.own_outputs:  # Else it keeps its last layer.
                self.assertEqual(first.slice.sha256, run.bank.slice(1).sha256)
            self.assertTrue(run.at(0, 0).replay().bit_equal)

    def test_what_is_trained_is_what_is_stored(self, **case):
        _, config = run_of(**case)
        learner = learner_of(**case)
        learned = [*learner.trained("generators"), *averages_of(learner)]
        trained = sum(variable.shape.num_elements() for variable in learned)
        stored = sum(cost.values for cost in planned(task_plans(config)) if cost.task == config.tasks[-1])
        if (
            case["method"] == "minegan"
        ):  # It also stores the first task's biases and strengths, which it does not train.
            stored -= sum(
                variable.shape.num_elements()
                for path, variable in layers.variables(learner.generators["forward"]).items()
                if "miner" not in path
            )
        for recipe in packed_of(**case):
            specs = recipe.specs(recipe.kernel_shape)
            stored += (PRUNING[case["method"]] - 1) * specs["used"].values - specs["owned"].values
        self.assertEqual(trained, stored)

    def test_a_step_moves_what_is_trained_and_nothing_else(self, **case):
        learner = learner_of(**case)
        for network in learner.generators.values():  # Away from the start, where some gradients are zero by design.
            perturb(network, seed=5)
        trained = {id(variable) for variable in learner.trained("generators")}
        averages = set(map(id, averages_of(learner)))
        everything = [variable for network in learner.generators.values() for variable in network.weights]
        before = [variable.numpy() for variable in everything]
        # A recipe is traced in tests/recipes; two generators take seconds to trace.
        traced = case["network"] == "unet" and case["method"] not in ONCE
        (learner.traced_step if traced else learner.step)(batch(3, case["objective"]))
        for variable, value in zip(everything, before):
            if "draws" in variable.name or id(variable) in averages:  # A dropout counts, a batch norm averages.
                continue
            if id(variable) not in trained:
                self.assertAllEqual(variable, value, variable.name)
            elif "bias" not in variable.name:  # A norm takes most of them out again.
                self.assertFalse(np.array_equal(variable, value), variable.name)

    def test_restored_elsewhere_it_is_the_same_network(self, **case):
        run, config = run_of(**case)
        image = inputs(4, config.architecture.input)
        lenders = run.bank.only(config.method.borrows(run.names))
        shape = config.architecture
        one, other = (build.generators(shape, config.method, ("forward",), lenders)["forward"] for _ in range(2))
        config.method.initialize({"forward": one}, run.bank)
        perturb(one, seed=6)
        self.assertNotAllClose(one(image), other(image))
        state = layers.state(one)
        layers.restore(other, state)
        self.assertAllEqual(one(image), other(image))
        again = layers.state(other)
        self.assertEqual(list(again), list(state))
        for path, value in state.items():
            self.assertAllEqual(again[path], value, path)

    def test_folded_it_answers_the_same(self, **case):
        network = learner_of(**case).generators["forward"]
        image = inputs(4, tuple(network.input.shape[1:]))
        perturb(network, seed=7)
        plain = layers.folded(network)
        self.assertAllClose(plain(image), network(image), atol=1e-4)
        self.assertEmpty([layer for layer in plain.layers if hasattr(layer, "recipe")])


if __name__ == "__main__":
    tf.test.main()

"""Every method with every objective and every network: allowed ones are planned, the others refused with a reason.

Rows of the three tables join by themselves; so do a third objective and a third network of tests/toys.py. Each method
learns with a toy, and one method with each pair of objective and small network. `make test-long` tries all toys, large
networks and every plan; with PGTF_EVERY=1 in the environment it tries all combinations.
"""

import contextlib
import itertools
import os
import re
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly import build
from pgtf.assembly.accounting import summary
from pgtf.assembly.bank import NetworkBank, rebuild, slice_of
from pgtf.assembly.parameters import full_values
from pgtf.assembly.planned_data import data_of, with_data
from pgtf.config import Config, task_plans
from pgtf.config.combinations import advice, refusal
from pgtf.foundation.settings import settings_of
from pgtf.methods import METHODS
from pgtf.networks import NETWORKS
from pgtf.objectives import OBJECTIVES
from pgtf.runs.plan import planned
from pgtf.storage.facts import Facts
from tests.tiny import AllIsWell
from tests.toys import Pool, Score

pytestmark = pytest.mark.usefixtures("step_by_step")
ALL_NETWORKS, ALL_OBJECTIVES = {**NETWORKS, "pool": Pool}, {**OBJECTIVES, "score": Score}
# Settings of methods for kernels of one filter, and for a network of one shared layer.
SETTINGS = {
    "low_rank": {"rank": 1},
    "lora": {"rank": 1},
    "width_wise": {"learn_ratio": 1.0},
    "layer_wise": {"learn_ratio": 1.0},
}
SMALL = {"blocks": 1, "stages": 1, "mapping_layers": 1, "narrow_from": 4}  # Settings of networks that make them small.
SIDE = {"vgg16": 32}  # Of the smallest images of a network. Default: 16.
IN_CONFORMANCE = (("pix2pix", "unet"), ("cyclegan", "resnet"))  # Of test_conformance.py.
LARGE = {
    "resnet50",
    "wide_resnet28_4",
    "densenet121",
    "stylegan2",
}  # Networks of many layers, with which `make test` learns nothing.
LABEL = {"score": np.float32([[0.5]])}  # Of an objective's batch of one. Default: class 0.
EVERY = list(itertools.product(METHODS, ALL_OBJECTIVES, ALL_NETWORKS))


@pytest.fixture(autouse=True)
def _toys():
    with toys():
        yield


@contextlib.contextmanager
def toys():
    with mock.patch.dict(OBJECTIVES, ALL_OBJECTIVES), mock.patch.dict(NETWORKS, ALL_NETWORKS):
        yield


def reason(method, objective, network):
    """Why the three are not allowed together, told by hand; empty if they are."""
    objective, network = ALL_OBJECTIVES[objective], ALL_NETWORKS[network]
    if objective.makes != network.makes:
        return f"The objective learns {objective.makes}, and the network makes {network.makes}"
    given, taken = (
        "(None,)" if latents else "(None, None, 3)"
        for latents in (objective is OBJECTIVES["unconditional"], network.takes == "latents")
    )
    if given != taken:
        return f"The objective gives forward inputs of shape {given}, and the network takes {taken}"
    needed = {"progressive": "images", "mapping_only": "latents", "minegan": "latents"}.get(method, network.takes)
    if needed != network.takes:
        return f"The method needs a network of {needed}, and this one takes {network.takes}"
    if METHODS[method].needs_distance and "distance" not in vars(objective):
        return "The method prunes by a distance, and the objective has none"
    if method == "distilled" and objective is OBJECTIVES["classification"]:
        return "The method compares outputs of two tasks' networks, and with this objective each task has its own"
    return ""


def allowed():
    """The combinations that must learn."""
    with toys():
        return [names for names in EVERY if not reason(*names)]


def tried():
    """Those of them that do so in a test, with its name."""
    others = [names for names in allowed() if names[1:] not in IN_CONFORMANCE and "pool" not in names]
    if not os.environ.get("PGTF_EVERY"):
        pairs = sorted({names[1:] for names in others if "score" not in names})
        of_pair = [[names for names in others if names[1:] == pair] for pair in pairs]
        others = [found[7 * number % len(found)] for number, found in enumerate(of_pair)]
    toy = [names for names in allowed() if "pool" in names]
    of_method = [[names for names in toy if names[0] == method] for method in METHODS]
    short = [found[number % len(found)] for number, found in enumerate(of_method) if found]
    short += [names for names in others if names[2] not in LARGE and not os.environ.get("PGTF_EVERY")]
    return [("_".join(names) + "_long" * (names not in short), *names) for names in (*toy, *others)]


def config_of(method, objective, network):
    row, side = ALL_NETWORKS[network], SIDE.get(network, 16)
    return Config(
        run_dir="nowhere",
        tasks=("shapes", "textures") if ALL_OBJECTIVES[objective].batch == "labelled" else ("maps", "facades"),
        drawn_images=20,
        method=METHODS[method](**SETTINGS.get(method, {})),
        objective=ALL_OBJECTIVES[objective](),
        network=network,
        options=tuple(sorted((f.name, SMALL[f.name]) for f in settings_of(row) if f.name in SMALL)),
        image_size=str(side),
        width=4,
        norm=row.norms[0],
        discriminator_width=1,
        discriminator_layers=1,
    )


def batch_of(plan, name):
    image = np.random.default_rng(3).uniform(-1, 1, [1, *plan.data.size, 3]).astype("float32")
    if plan.objective.serves == "latents":
        return (image,)
    return image, (LABEL.get(name, np.int32([0])) if plan.objective.batch == "labelled" else image[:, ::-1])


class CombinationsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(tried())
    def test_two_tasks_learn_and_are_stored_as_planned(self, method, objective, network):
        plans, bank = task_plans(config_of(method, objective, network)), NetworkBank()
        sizes = {row["name"]: row["bytes"] for row in summary(planned(plans))["tasks"]}
        for plan in plans:
            plan = with_data(plan, data_of(plan)) if plan.objective.own_outputs else plan
            learner, lenders = build.learner(plan, bank, steps=10), bank.only(plan.method.borrows(bank.names))
            for number, phase in enumerate(plan.method.phases(10, AllIsWell())):
                phase.begin(learner.generators)
                if bank.names and not number:
                    losses = learner.step(batch_of(plan, objective))
                    self.assertTrue(all(np.isfinite(float(value)) for value in losses.values()), losses)
            facts = Facts(plan.architecture, plan.method, plan.objective, full_values(plan.architecture, ("forward",)))
            made = slice_of(plan.name, learner.generators, lenders, facts)
            if method == "delta" and bank.names:  # Entropy-coded: the plan has the most bytes.
                self.assertBetween(made.stored_bytes, 0.8 * sizes[plan.name], sizes[plan.name])
            else:
                self.assertEqual(made.stored_bytes, sizes[plan.name])
            bank.append(made)
        image, *_ = batch_of(plan, objective)
        image = image[:, 0, 0, :1] * np.float32([range(32)]) if plan.objective.serves == "latents" else image
        again = rebuild(made, lenders)["forward"]
        self.assertAllEqual(again(image), rebuild(made, lenders)["forward"](image))
        self.assertAllClose(again(image), learner.generators["forward"](image), atol=1e-4)

    @parameterized.named_parameters(("a_quarter", 4), ("all_long", 1))
    def test_allowed_combinations_are_planned(self, stride):
        found = sorted(allowed(), key=lambda names: names[1:])  # The layers of a network are counted once.
        tried = found[::stride]
        tried += [names for names in found if names[0] not in {method for method, *_ in tried}]
        for part in range(3):  # Each row of the tables is tried.
            self.assertEqual({names[part] for names in tried}, {names[part] for names in found})
        for names in tried:
            if "score" in names and "pool" not in names:
                continue  # Its networks are planned with classification.
            plans = task_plans(config_of(*names))
            costs = planned(plans)
            self.assertEqual({cost.path.split("/")[0] for cost in costs}, {*plans[0].objective.networks}, names)
            for plan in plans:
                self.assertGreater(sum(cost.bits for cost in costs if cost.task == plan.name), 0, names)

    def test_every_other_combination_is_refused_with_its_reason(self):
        for names in EVERY:
            method, objective, network = names
            expected = reason(*names)
            rows = METHODS[method](), ALL_OBJECTIVES[objective](), ALL_NETWORKS[network]
            self.assertEqual(refusal(*rows), expected, names)
            if expected:
                with self.assertRaisesRegex(ValueError, re.escape(expected)):
                    config_of(*names)

    @parameterized.parameters(
        ("distilled", "classification", "resnet18", "--method: full, half, .*packnet, ", "distilled, "),
        ("minegan", "pix2pix", "unet", "--method: full, .*, distilled. Received", "minegan, "),
        ("mask", "classification", "unet", "--network: vgg16, .*, densenet121", "unet, "),
        ("minegan", "classification", "resnet18", "--method: full, .*", "minegan, "),
    )
    def test_a_refusal_names_what_can_be_chosen_instead(self, method, objective, network, named, unnamed):
        with self.assertRaisesRegex(ValueError, f"Choose another {named}") as raised:
            config_of(method, objective, network)
        advised, received = str(raised.exception).split("Received: ")
        self.assertNotIn(unnamed, advised)
        self.assertEqual(received, f"--method={method} --objective={objective} --network={network}")

    def test_where_nothing_goes_with_the_method_the_objective_is_to_change(self):
        self.assertEqual(
            advice(METHODS["minegan"](), OBJECTIVES["pix2pix"](), NETWORKS["stylegan2"]),
            "Choose another --objective",
        )

    def test_an_input_of_another_shape_is_refused(self):
        class Latents(Pool):
            input = (8,)

        said = refusal(METHODS["full"](), Score(), Latents)
        self.assertEqual(
            said, "The objective gives forward inputs of shape (None, None, 3), and the network takes (8,)"
        )


if __name__ == "__main__":
    tf.test.main()

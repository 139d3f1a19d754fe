"""A few attacks of each kind, and that the fuzzing finds what there is to be found."""

import copy
import dataclasses
import io
import json
import os
import re
import shutil
import sys
import time
import warnings
from unittest import mock

import numpy as np
import pytest
from absl.testing import absltest, parameterized

from pgtf.evaluation import records
from pgtf.experiments.paper import results
from pgtf.foundation import files
from pgtf.metrics import matrix_text
from tests.fuzz.case import Case, Finding, Kind, outcome
from tests.fuzz.kinds import KINDS
from tests.fuzz.loop import Loop
from tests.fuzz.mutation import changed_bytes, changed_tree
from tests.fuzz.worker import Worker

CASES = {
    **{"images": 200, "deep": 200, "slices": 3, "json": 6, "flags": 15, "streams": 3},
    **{"adopting": 2, "figures": 60, "names": 60, "folders": 40, "requests": 30},
}
# Those that `make test` tries; what the others attack has tests of its own there.
TRIED = {"slices", "adopting", "images", "names"}
SELF = Kind("tests.test_fuzz", memory=2**27)


def attack(case):
    """A kind of its own: what becomes of its cases is known."""
    with open(case.path("file"), "w") as file:
        file.write(str(case.draw.integers(1000)))
    if case.kind == "faulty" and case.number == 2:
        raise Finding("What is wrong")
    if case.kind == "dying" and case.number == 1:
        os._exit(3)
    if case.kind == "greedy":
        return str(len(b"1" * 2**28))
    if case.kind == "hanging":
        time.sleep(60)
    return "odd" if case.number % 2 else "even"


class KindsTest(parameterized.TestCase):
    @parameterized.named_parameters((name + "_long" * (name not in TRIED), name, CASES[name]) for name in CASES)
    def test_nothing_is_found(self, name, count):
        for number in range(count):
            case = Case(0, name, number, os.path.join(self.create_tempdir().full_path, "case"))
            self.assertEqual(outcome(KINDS[name], case).finding, "", f"--seed=0 --kind={name} --case={number}")

    def test_every_kind_is_tried_or_too_slow(self):
        self.assertEqual({*CASES, "kills"}, set(KINDS))


class GuardsTest(parameterized.TestCase):
    """Kinds find what the code without one of its guards does."""

    @parameterized.named_parameters(
        ("links_are_followed", "adopting", files, "inside", os.path.join),
        ("an_edited_matrix_counts", "figures", matrix_text, "check_own_hash", lambda plain: None),
        ("an_edited_record_counts", "figures", records, "_sha256", lambda plain: "0" * 64),
        ("an_edited_result_counts", "figures", results, "_sha256", lambda plain: plain.get("sha256")),
    )
    @pytest.mark.long
    def test_a_missing_guard_is_found(self, kind, module, guard, none):
        with mock.patch.object(module, guard, none):
            for number in range(CASES[kind] + 20):
                case = Case(0, kind, number, os.path.join(self.create_tempdir().full_path, "case"))
                if finding := outcome(KINDS[kind], case).finding:
                    break
        self.assertRegex(finding, "lies outside a run stays|was edited does not count", guard)


class OutcomeTest(parameterized.TestCase):
    def found(self, work, **limits):
        kind = type("Own", (Kind,), {"attack": staticmethod(work)})("", **limits)
        return outcome(kind, Case(0, "own", 0, self.create_tempdir().full_path)).finding

    def test_what_is_a_finding(self):
        def warn(case):
            for number in range(20):
                warnings.warn(f"warning {number}", stacklevel=1)

        def work(case):
            end = time.process_time() + 0.1
            while time.process_time() < end:
                pass

        self.assertEqual(self.found(lambda case: "fine"), "")
        self.assertIn("KeyError: 'X'", self.found(lambda case: os.environ["X"]))
        self.assertIn("SystemExit", self.found(lambda case: exit(0)))
        self.assertIn("at most 10 times. Received: 20 times", self.found(warn))
        self.assertRegex(self.found(work, seconds=0.05), r"at most 0.05 s. Received: 0\.\d s")


class LoopTest(absltest.TestCase):
    def loop(self, *names, seed=7, **limits):
        kinds = {name: dataclasses.replace(SELF, **limits) for name in names}
        loop = Loop(kinds, seed, out=io.StringIO())
        self.addCleanup(shutil.rmtree, loop.folder, ignore_errors=True)
        self.addCleanup(loop.end)
        return loop

    def drawn(self, folder):
        with open(os.path.join(folder, "file")) as file:
            return file.read()

    def test_a_finding_ends_it_and_is_told_kept_and_done_again(self):
        loop = self.loop("faulty")
        self.assertFalse(loop.run(60))
        loop.end()
        said = loop.out.getvalue()
        self.assertIn("FOUND by --seed=7 --kind=faulty --case=2\nWhat is wrong\nIts files: ", said)
        self.assertRegex(said, "faulty +3 cases +0.0 minutes  even 1, found 1, odd 1\n")
        folder = re.search("Its files: (.*)", said)[1]
        self.assertEqual(os.listdir(loop.folder), ["faulty-2"])
        again = self.loop("faulty")
        self.assertFalse(again.replay("faulty", 2))
        self.assertEqual(self.drawn(folder), self.drawn(os.path.join(again.folder, "faulty-2")))
        other = self.loop("faulty", seed=8)
        self.assertFalse(other.replay("faulty", 2))
        self.assertNotEqual(self.drawn(folder), self.drawn(os.path.join(other.folder, "faulty-2")))

    def test_kinds_share_the_time_and_nothing_is_left(self):
        loop = self.loop("one", "two")
        for _ in range(100):  # On a busy machine few cases fit into a second.
            self.assertTrue(loop.run(0.5))
            if min(tally.cases for tally in loop.tallies.values()) > 10:
                break
        loop.end()
        self.assertGreater(min(tally.cases for tally in loop.tallies.values()), 10)
        self.assertFalse(os.path.exists(loop.folder))

    def test_importing_a_kind_is_no_case_s_time(self):
        folder = self.create_tempdir().full_path
        with open(os.path.join(folder, "slow_kind.py"), "w") as file:
            file.write("import pathlib\npathlib.Path(__file__).with_name('imported').touch()\nattack = str\n")
        with mock.patch.object(sys, "path", [folder, *sys.path]):
            worker = Worker({"slow": Kind("slow_kind")}, folder)
            self.addCleanup(worker.end)
            worker.begin()
        self.assertTrue(os.path.exists(os.path.join(folder, "imported")))

    def test_a_dead_process_is_a_finding_and_the_next_case_has_another(self):
        loop = self.loop("dying")
        self.assertFalse(loop.run(60))
        self.assertIn("A case leaves its process alive. Received: exit status 3", loop.found[0])
        loop._attack("dying", 2, bar=None)
        self.assertEqual(loop.tallies["dying"].words, {"even": 2, "died": 1})

    def test_memory_taken_is_a_finding(self):
        loop = self.loop("greedy")
        self.assertFalse(loop.run(60))
        self.assertRegex(loop.found[0], "A case takes at most 134,217,728 bytes. Received: 2.* bytes")

    def test_a_hanging_process_is_a_finding(self):
        loop = self.loop("hanging", wait=1)
        self.assertFalse(loop.run(60))
        self.assertIn("A case ends. Received: still at it after more than 1 s", loop.found[0])


class MutationTest(absltest.TestCase):
    TREE = {"a": 1, "b": [1, 2.5, "text", None], "c": {"d": [], "e": {"f": True}}}

    def test_changes_follow_from_the_draw_and_leave_the_original(self):
        before, found = copy.deepcopy(self.TREE), set()
        for seed in range(300):
            one, two = (changed_tree(np.random.default_rng(seed), self.TREE) for _ in range(2))
            self.assertEqual(json.dumps(one), json.dumps(two))
            found.add(json.dumps(one))
            content = [changed_bytes(np.random.default_rng(seed), b"0123456789" * 9, b"abc") for _ in range(2)]
            self.assertEqual(content[0], content[1])
        self.assertEqual(self.TREE, before)
        self.assertGreater(len(found), 200)


if __name__ == "__main__":
    absltest.main()

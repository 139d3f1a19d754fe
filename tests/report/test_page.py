"""A report's page: whole, escaped, small, and saying what is so."""

import base64
import dataclasses
import io
import json
import tempfile
from html.parser import HTMLParser

import numpy as np
from absl.testing import absltest
from PIL import Image

from pgtf.report.content import Comparison, Direction, ReportedTask, SameInput
from pgtf.report.page import compare_page, longest_side, page
from pgtf.report.page_cache import PageCache
from pgtf.report.run_sections import NAMED
from pgtf.storage.probes import Replay
from tests.report.made_runs import pictures, run, task

VOID = ("br", "img", "input", "link", "meta", "wbr")
BAD = ("<script>alert('x')<script>", 'it\'s "quoted" & <b>')


class Page(HTMLParser):
    """Parser that records a page's elements, texts and badly nested tags."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.wrong, self._open = [], [], [], []
        self.feed(text)
        self.close()
        self.wrong += self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    @property
    def told(self):
        """The texts that a reader sees."""
        return " ".join(text for tag, text in self.texts if tag not in ("script", "style"))

    def all(self, tag, **attributes):
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in attributes.items())
        ]

    def picture(self, name):
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(self.files[int(name)]))).convert("RGB"))

    @property
    def files(self):
        return json.loads(next(text for tag, text in self.texts if tag == "script" and text.startswith("[")))


class PageTest(absltest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def seen(self, told):
        """A page, whose elements and references must be in order."""
        return self.checked(page(told, PageCache(self.folder.name)))

    def checked(self, text):
        found = Page(text)
        self.assertEqual(found.wrong, [])
        ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
        self.assertCountEqual(ids, set(ids))
        for link in found.all("a"):
            self.assertIn(link["href"][1:], [*ids, "ndex.html"])
        for image in found.all("img"):
            self.assertTrue(image["alt"])
            self.assertLess(int(image["data-picture"]), len(found.files))
        named = [attributes for tag, attributes in found.elements if attributes.get("role") == "region"]
        self.assertTrue(all(one["aria-label"] and one["tabindex"] == "0" for one in named))
        return found

    def test_two_tasks(self):
        found = self.seen(run())
        self.assertContainsInOrder(
            ["2 of 2", "2 MB", "25%", "0 bits", "--run_dir=again", "1 · facades", "2 · maps"], found.told
        )
        self.assertIn("every pixel that facades makes is the same to the bit", found.told)
        self.assertContainsInOrder(["FID-768", "lower is better", "PSNR", "higher is better"], found.told)
        self.assertLen(found.all("input", type="range"), 2)
        self.assertTrue(all(slider["aria-label"] for slider in found.all("input", type="range")))

    def test_pictures_stand_where_they_belong(self):
        told = run(replay=Replay(0.5, False))
        found = self.seen(told)
        (way,) = told.tasks[0].ways
        for place in range(2):
            about = f"facades, test picture {place + 1}"
            wanted = {
                f"{about}: input": way.inputs,
                f"{about}: output": way.outputs,
                f"{about}: target": way.targets,
                f"{about}: when learned": way.outputs,
                f"{about}: after maps, changed by up to 25%": told.tasks[0].later[0].outputs,
            }
            for alt, kind in wanted.items():
                self.assertNotEmpty(found.all("img", alt=alt), alt)
                for image in found.all("img", alt=alt):
                    np.testing.assert_array_equal(found.picture(image["data-picture"]), kind[place])
            pick = found.all("button", **{"class": "pick"})[place]
            np.testing.assert_array_equal(found.picture(pick["data-input"]), way.inputs[place])
            np.testing.assert_array_equal(found.picture(pick["data-output"]), way.outputs[place])
        (through,) = found.all("img", alt="the input of facades through maps")
        np.testing.assert_array_equal(found.picture(through["data-picture"]), told.tasks[1].ways[0].outputs[0])

    def test_what_is_the_same_costs_nothing(self):
        count = len(self.seen(run()).files)
        self.assertEqual(count, 2 * 3 * 2)

    def test_a_task_that_changed(self):
        found = self.seen(run(replay=Replay(0.5, False)))
        self.assertIn("changed by up to 25%", found.told)
        self.assertIn("This method forgets", found.told)
        self.assertNotIn("the same to the bit", found.told)
        self.assertIn("0 of 1", found.told)
        self.assertLen(found.files, 2 * 3 * 2 + 2)

    def test_identical_strips_are_one_line(self):
        found = self.seen(run())
        self.assertIn("facades makes is the same to the bit after every later task (maps).", found.told)
        self.assertFalse([image["alt"] for image in found.all("img") if "when learned" in image["alt"]])

    def test_a_task_that_the_last_check_found_changed(self):
        told = run()
        told = dataclasses.replace(told, tasks=(dataclasses.replace(told.tasks[0], changed=True), told.tasks[1]))
        found = self.seen(told)
        self.assertNotIn("0 bits", found.told)
        self.assertNotIn("Nothing is forgotten", found.told)
        self.assertContainsInOrder(["1 changed", "as the last check found: facades"], found.told)
        self.assertContainsInOrder(["1 · facades", "changed since", "not as it was"], found.told)

    def test_a_look_that_was_never_made_is_not_claimed(self):
        told = run(("facades", "maps", "shoes"))
        first = told.tasks[0]
        later = (first.later[0], dataclasses.replace(first.later[1], replay=None))
        told = dataclasses.replace(told, tasks=(dataclasses.replace(first, later=later), *told.tasks[1:]))
        found = self.seen(told)
        self.assertNotIn("0 bits", found.told)
        self.assertContainsInOrder(["2 of 2", "1 more are not on record"], found.told)

    def test_a_picture_that_can_t_be_played_is_a_dash(self):
        told = run(("facades", "maps"), replay=Replay(0.5, False))
        first, (through,) = told.tasks[0], told.through
        gone = dataclasses.replace(first.later[0], outputs=[None, None])
        told = dataclasses.replace(
            told,
            tasks=(dataclasses.replace(first, later=(gone,)), told.tasks[1]),
            through=(dataclasses.replace(through, outputs={**through.outputs, "maps": None}),),
        )
        told = dataclasses.replace(told, measured=None)
        self.assertEqual([text for tag, text in self.seen(told).texts if tag == "td"].count("–"), 3)

    def test_pictures_come_before_words_and_beside_the_name_what_they_are(self):
        told = run()
        tasks = [dataclasses.replace(one, size=(8, 8), drawn=True) for one in told.tasks]
        text = page(dataclasses.replace(told, tasks=tuple(tasks)))
        self.assertIn("8 × 8 pixels · 10 steps a task · drawn images", Page(text).told)
        self.assertLess(text.index("<img"), text.index("A run learns to turn"))

    def test_figures_name_what_they_are_measured_by_and_what_doing_nothing_scores(self):
        told = run()
        rows = told.measured.matrix.values["FID-768"]
        values = {"FID-768": rows, "FID-768-untouched": [[99.0, 99.0], [None, 77.0]]}
        matrix = dataclasses.replace(told.measured.matrix, values=values)
        one, several = (
            dataclasses.replace(told.measured, matrix=matrix, extractors={"FID-768": by})
            for by in (("eyes (abcd)",), ("eyes (abcd)", "ears (1234)"))
        )
        found = self.seen(dataclasses.replace(told, measured=one)).told
        self.assertContainsInOrder(["forgetting 0", "facades 99, maps 77", "Measured by: eyes (abcd)."], found)
        self.assertNotIn("FID-768-untouched", found)
        found = self.seen(dataclasses.replace(told, measured=several)).told
        self.assertContainsInOrder(["forgetting –", "by several networks", "eyes (abcd), ears (1234)"], found)

    def test_figures_that_are_not_of_this_run_are_a_hole_with_a_reason(self):
        found = self.seen(run(measured=False, unmeasured="not measured: the file was changed")).told
        self.assertIn("Not measured: the file was changed", found)
        self.assertNotIn("Nothing is measured yet", found)

    def test_a_task_that_nobody_replayed_or_that_is_nearly_the_same(self):
        found = self.seen(run(replay=None))
        self.assertIn("not replayed", found.told)
        self.assertIn("no look back at earlier tasks is on record", found.told)
        self.assertNotIn("the same to the bit", found.told)
        self.assertIn("the same within 1e-05", self.seen(run(replay=Replay(1e-5, False))).told)

    def test_one_task(self):
        found = self.seen(run(("facades",)))
        self.assertNotIn("after every later task", found.told)
        self.assertIn("nothing to forget yet", found.told)

    def test_no_figures_yet(self):
        found = self.seen(run(measured=False))
        self.assertIn("pgtf evaluate --run_dir=runs/made", found.told)

    def test_pictures_that_a_task_learnt_from_are_not_called_unseen(self):
        seen, learned_from = task("facades", 1), task("maps", 2, split="train")
        told = self.seen(run(measured=False)).told
        self.assertIn("On pictures that no task learned from. Choose", told)
        self.assertNotIn("--split=train", told)
        found = self.seen(run(measured=False, tasks=(seen, learned_from)))
        self.assertIn("But maps: on training pictures, as there are no test pictures.", found.told)
        self.assertContainsInOrder(["Test pictures of facades", "Training pictures of maps"], found.told)
        self.assertIn("--run_dir=runs/made --split=train", found.told)
        self.assertIn("as there are no test pictures of maps.", found.told)
        self.assertNotEmpty(found.all("img", alt="maps, training picture 1: input"))
        held_out = task("facades", 1, split="validation", has_test=False)
        told = self.seen(run(("facades",), measured=False, tasks=(held_out,))).told
        self.assertContainsInOrder(["On pictures that no task", "--split=validation", "its validation pictures"], told)
        alone = self.seen(run(("maps",), measured=False, tasks=(dataclasses.replace(learned_from, number=1),))).told
        self.assertIn("On training pictures, which the tasks learned from", alone)
        self.assertNotIn("no task learned from", alone)

    def test_curves_name_their_extractors(self):
        by = {"FCD": ["a (12)"], "KCD": ["a (12)"], "FID-768": ["a (12)", "b (34)"]}
        measured = dataclasses.replace(task("maps", 1), measured_by=by)
        told = self.seen(run(("maps",), measured=False, tasks=(measured,))).told
        self.assertIn("FCD, KCD: measured by a (12). Compare only with values by it.", told)
        self.assertIn("FID-768: measured by a (12), then b (34). Points of different extractors can't", told)

    def test_a_task_that_is_being_learnt_and_one_to_come(self):
        (way,) = task("maps", 2).ways
        learning = ReportedTask("maps", 2, False, 400, ways=(way,), curves={"l1": ([400], [0.5])})
        for tasks in ((learning,), (task("facades", 1), learning)):
            found = self.seen(run(measured=False, tasks=tasks, to_come=("edges2handbags",), through=()))
            self.assertIn("being learned, step 400", found.told)
            self.assertIn("Still to come: edges2handbags", found.told)
            self.assertIn(f"{len(tasks) - 1} of {len(tasks) + 1}", found.told)

    def test_without_probes_config_or_curves(self):
        bare = task("facades", 1, ways=(), curves={}, facts={}, problem="Its probes are gone.")
        found = self.seen(run(("facades",), tasks=(bare,), command="", through=()))
        self.assertIn("Its probes are gone.", found.told)
        self.assertIn("no command to redo it", found.told)

    def test_both_ways(self):
        ways = [
            Direction(prefix, pictures(2, 1), pictures(2, 2), title=title)
            for prefix, title in (("a", "A to B"), ("b", "B to A"))
        ]
        found = self.seen(run(tasks=(task("facades", 1, ways=tuple(ways)),), measured=False, through=()))
        self.assertContainsInOrder(["A to B", "B to A"], found.told)
        self.assertNotIn("target", [text for tag, text in found.texts if tag == "th"])

    def test_names_are_told_as_they_are(self):
        told = dataclasses.replace(run(BAD), name=BAD[0], folder=BAD[1], command=" ".join(BAD))
        compared = self.checked(compare_page(Comparison((told, dataclasses.replace(told, name=BAD[1])))))
        self.assertLen(compared.all("script"), 2)
        self.assertIn(f"{BAD[0]} and {BAD[1]}", compared.told)
        found = self.seen(told)
        self.assertLen(found.all("script"), 2)
        self.assertLen(found.all("b"), found.told.count("Its method") + 2)
        for name in BAD:
            self.assertIn(name, found.told)
            self.assertTrue(found.all("section", **{"aria-label": f"Task {BAD.index(name) + 1}: {name}"}))

    def test_twenty_tasks_take_a_few_megabytes(self):
        names = [f"task{number}" for number in range(20)]
        tasks = [task(name, index + 1, names[index + 1 :], side=256, curves={}) for index, name in enumerate(names)]
        told = run(names, tasks=tuple(tasks), through=(), measured=False)
        self.assertEqual(longest_side(told), 256)
        text = page(told)
        self.assertBetween(len(text), 1e6, 4e6)
        found = Page(text)
        self.assertLen(found.files, 20 * 2 * 3)
        in_a_slider, in_a_grid = 2, 2 * 3
        self.assertLen(found.all("img"), 20 * (in_a_slider + in_a_grid) + 2 * NAMED)

    def test_more_pictures_are_smaller(self):
        told = run([f"task{number}" for number in range(40)])
        self.assertEqual([longest_side(told), longest_side(dataclasses.replace(told, tasks=told.tasks * 5))], [192, 96])


class ComparisonTest(absltest.TestCase):
    def test_side_by_side(self):
        first, second = run(), dataclasses.replace(run(), name="other", method="full", stored_bytes=8e6)
        inputs = (
            SameInput(
                "facades", pictures(1, 1)[0], pictures(1, 2)[0], {"made": pictures(1, 3)[0], "other": pictures(1, 4)[0]}
            ),
            SameInput("maps", pictures(1, 5)[0], None, {"made": pictures(1, 6)[0]}),
        )
        found = Page(compare_page(Comparison((first, second), inputs)))
        self.assertEqual(found.wrong, [])
        self.assertContainsInOrder(
            ["made", "piggyback", "2.00 MB", "25%", "other", "full", "8.00 MB", "100%"], found.told
        )
        told = [
            one["aria-label"] for one in found.all("svg") if "FID" in one["aria-label"] and " at " in one["aria-label"]
        ]
        self.assertEqual(told, ["FID-768: made 1.5 at 2 MB, other 1.5 at 8 MB"])
        alts = [image["alt"] for image in found.all("img")]
        self.assertContainsSubset(["an input of facades through made", "an input of facades through other"], alts)
        self.assertNotIn("an input of maps through other", alts)
        self.assertIn("an input of maps through made", alts)

    def test_the_same_pictures_are_claimed_of_runs_of_one_size_only(self):
        sizes = [(8, 8), (8, 8), (16, 16)]
        runs = [
            run(("facades",), tasks=(task("facades", 1, size=size, step=10 * number + 10, drawn=number == 0),))
            for number, size in enumerate(sizes)
        ]
        same = Page(compare_page(Comparison((runs[0], dataclasses.replace(runs[1], name="other"))))).told
        self.assertIn("All see the same pictures", same)
        self.assertContainsInOrder(["8 × 8", "10", "drawn", "other", "8 × 8", "20", "files"], same)
        told = Page(compare_page(Comparison((runs[0], dataclasses.replace(runs[2], name="other"))))).told
        self.assertNotIn("All see the same pictures", told)
        self.assertContainsInOrder(["at different sizes", "8 × 8", "16 × 16", "30"], told)

    def test_runs_that_were_measured_otherwise_are_not_plotted_together(self):
        first = run()
        measured = dataclasses.replace(first.measured, conditions={"FID-768": "another"})
        second = dataclasses.replace(first, name="other", measured=measured)
        told = Page(compare_page(Comparison((first, second)))).told
        self.assertIn("once two runs are measured on the same images", told)


if __name__ == "__main__":
    absltest.main()

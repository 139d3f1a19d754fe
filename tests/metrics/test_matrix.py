import csv
import dataclasses
import json

import numpy as np
from absl.testing import absltest

from pgtf.metrics.matrix import METRICS, Matrix, metric
from pgtf.metrics.matrix_text import from_csv, from_json, summary, table, to_csv, to_json, with_figures
from pgtf.metrics.measurements import ImageSet, Measurement
from pgtf.metrics.own_hash import with_own_hash

TASKS, SLICES = ("maps", "facades", "edges"), ("a" * 64, "b" * 64, "c" * 64)
# The same three tasks; FID-768 falls as things get better, Acc rises.
FID = [[100.0, 90.0, 130.0], [None, 50.0, 45.0], [None, None, 70.0]]
ACC = [[0.5, 0.75, 0.25], [None, 0.5, 1.0], [None, None, 0.75]]
SET = ImageSet("test", 7, (8, 8), "left half", "hash")
NETWORK = {"name": "eyes", "sha256": "e" * 64, "resize": "to 299"}
KID = Measurement("KID-768", 0.5, standard_error=0.25, generated=SET, extractor=NETWORK, notes=("few", "new"))
NONE = Measurement("KID-768", None, "one image")
BACKWARD = ["backward", "transfer"]
MATRIX = Matrix(TASKS, SLICES, {"FID-768": FID, "Acc": ACC})


class MeasuresTest(absltest.TestCase):
    def test_some_tasks_under_other_names(self):
        found = MATRIX.for_tasks({"streets": "maps", "bags": "edges"})
        self.assertEqual((found.tasks, found.slices), (("streets", "bags"), (SLICES[0], SLICES[2])))
        self.assertEqual(found.values["FID-768"], ((100, 130), (None, 70)))

    def test_average(self):
        self.assertEqual(MATRIX.average("FID-768"), (130 + 45 + 70) / 3)
        self.assertEqual(MATRIX.average("FID-768", "facades"), (90 + 50) / 2)
        self.assertEqual(MATRIX.average("FID-768", "maps"), 100)
        self.assertEqual(MATRIX.average("Acc"), (0.25 + 1 + 0.75) / 3)

    def test_forgetting_is_the_loss_since_the_best(self):
        # maps: 130 after 90; facades: 45 after 50, better than ever.
        self.assertEqual(MATRIX.forgetting("FID-768"), ((130 - 90) + (45 - 50)) / 2)
        self.assertEqual(MATRIX.forgetting("Acc"), ((0.75 - 0.25) + (0.5 - 1)) / 2)

    def test_backward_transfer_is_the_gain_since_learnt(self):
        self.assertEqual(MATRIX.backward_transfer("FID-768"), ((100 - 130) + (50 - 45)) / 2)
        self.assertEqual(MATRIX.backward_transfer("Acc"), ((0.25 - 0.5) + (1 - 0.5)) / 2)

    def test_forward_transfer_is_the_gain_over_learning_alone(self):
        alone = {"maps": 1.0, "facades": 60.0, "edges": 65.0}
        self.assertEqual(MATRIX.forward_transfer("FID-768", alone), ((60 - 50) + (65 - 70)) / 2)
        self.assertEqual(MATRIX.forward_transfer("Acc", {"facades": 0.25, "edges": 0.5}), (0.25 + 0.25) / 2)

    def test_nothing_is_forgotten_where_nothing_changes(self):
        still = Matrix(TASKS, SLICES, {"SSIM": [[0.5] * 3, [None, 0.25, 0.25], [None, None, 0.125]]})
        self.assertEqual(still.forgetting("SSIM"), 0)
        self.assertEqual(still.backward_transfer("SSIM"), 0)

    def test_what_is_missing_makes_a_measure_none(self):
        for missing in (("maps", "facades"), ("maps", "edges"), ("facades", "facades")):
            self.assertIsNone(MATRIX.with_value("Acc", *missing, None).forgetting("Acc"), missing)
        self.assertIsNone(MATRIX.with_value("Acc", "maps", "maps", None).backward_transfer("Acc"))
        self.assertIsNone(MATRIX.with_value("Acc", "edges", "edges", None).average("Acc"))
        self.assertIsNone(MATRIX.forward_transfer("Acc", {"facades": 0.5}))

    def test_one_task_has_an_average_only(self):
        one = Matrix(("maps",), ("a",), {"L1": [[0.5]]})
        self.assertEqual(one.average("L1"), 0.5)
        self.assertIsNone(one.forgetting("L1"))
        self.assertIsNone(one.backward_transfer("L1"))
        self.assertIsNone(one.forward_transfer("L1", {"maps": 0.5}))

    def test_signs(self):
        self.assertEqual(
            {name for name, row in METRICS.items() if row.sign > 0}, {"Acc", "PSNR", "SSIM", "Top1", "Top5"}
        )
        self.assertEqual({row.sign for row in METRICS.values()}, {1, -1})
        self.assertIs(metric("KID-768"), METRICS["KID"])

    def test_the_way_back_and_doing_nothing_have_a_meaning_of_their_own(self):
        self.assertEqual(metric("FCD-untouched").meaning, "baseline of doing nothing: FCD of the unchanged inputs")
        self.assertEqual(metric("FCD-backward").meaning, f"{METRICS['FCD'].meaning}, backward direction")
        self.assertEqual({metric(name).sign for name in ("FCD", "FCD-untouched", "FCD-backward")}, {-1})


class MatrixTest(absltest.TestCase):
    def test_values(self):
        grown = Matrix(TASKS, SLICES).with_value("L1", "facades", "edges", np.float32(0.5))
        self.assertEqual(grown.value("L1", "facades", "edges"), 0.5)
        self.assertEqual(grown.values, {"L1": ((None,) * 3, (None, None, 0.5), (None,) * 3)})
        self.assertIsNone(grown.value("L1", "maps", "edges"))
        self.assertIsNone(grown.value("PSNR", "maps", "edges"))
        self.assertIsNone(MATRIX.value("FID-768", "edges", "maps"))
        self.assertEqual(MATRIX.value("FID-768", "maps", "edges"), 130)

    def test_the_array_has_a_row_for_each_task_and_a_column_for_each_time(self):
        expected = [[100, 90, 130], [np.nan, 50, 45], [np.nan, np.nan, 70]]
        np.testing.assert_array_equal(MATRIX.array("FID-768"), expected)
        self.assertEqual(MATRIX.array("FID-768").dtype, np.float64)

    def test_a_matrix_of_the_run_gets_room_for_its_new_tasks(self):
        first = Matrix(TASKS[:2], SLICES[:2], {"FID-768": [[100.0, 90.0], [None, 50.0]]})
        grown = first.of_run(TASKS, SLICES)
        self.assertEqual(grown.values["FID-768"], ((100, 90, None), (None, 50, None), (None,) * 3))
        self.assertEqual((grown.tasks, grown.slices), (TASKS, SLICES))
        self.assertEqual(MATRIX.of_run(TASKS, SLICES), MATRIX)

    def test_a_matrix_of_another_run_is_refused(self):
        runs = [
            (("maps", "edges", "facades"), SLICES),
            (TASKS, ("a" * 64, "d" * 64, "c" * 64)),
            (TASKS[:2], SLICES[:2]),
        ]
        for tasks, slices in runs:
            with self.assertRaisesRegex(ValueError, r"belongs to another run.*Received: maps \(aaaaaaaa\), facades"):
                MATRIX.of_run(tasks, slices)


class BadInputTest(absltest.TestCase):
    def test_is_refused(self):
        row = [None, None, None]
        for rows in ([row, row], [row, row, row[:2]], [], [row] * 4):
            with self.assertRaisesRegex(ValueError, "each of 3 tasks. Received: L1"):
                Matrix(TASKS, SLICES, {"L1": rows})
        for value in (float("nan"), float("inf")):
            with self.assertRaisesRegex(ValueError, "finite.*Received: L1 .* of maps after edges"):
                MATRIX.with_value("L1", "maps", "edges", value)
        with self.assertRaisesRegex(ValueError, "learned by then. Received: L1 1.0 of edges after maps"):
            MATRIX.with_value("L1", "edges", "maps", 1.0)
        with self.assertRaisesRegex(ValueError, "This matrix has maps, facades, edges. Received: 'monet'"):
            MATRIX.with_value("L1", "monet", "maps", 1.0)
        with self.assertRaisesRegex(ValueError, "Unknown metric. .*Received: 'IS'"):
            MATRIX.with_value("IS", "maps", "maps", 1.0)
        with self.assertRaisesRegex(ValueError, "This matrix has FID-768, Acc. Received: 'L1'"):
            MATRIX.array("L1")
        for tasks, slices in (((), ()), (("maps", "maps"), ("a", "b")), (TASKS, SLICES[:2])):
            with self.assertRaisesRegex(ValueError, "different tasks and a slice of each"):
                Matrix(tasks, slices)


class TextTest(absltest.TestCase):
    def test_json_and_csv_give_the_matrix_back(self):
        exact = MATRIX.with_value("KID-768", "maps", "edges", 1 / 3)
        self.assertEqual(from_json(to_json(exact)), exact)
        self.assertEqual(from_csv(to_csv(exact)), exact)
        self.assertEqual(from_json(to_json(Matrix(TASKS, SLICES))), Matrix(TASKS, SLICES))

    def test_csv_has_a_line_for_each_value(self):
        lines = to_csv(MATRIX).splitlines()
        self.assertLen(lines, 1 + 2 * 9)
        self.assertStartsWith(lines[0], "metric,task,slice,after,value,standard_error,n,")
        self.assertEqual(lines[3].rstrip(","), f"FID-768,maps,{'a' * 64},edges,130.0")
        self.assertEqual(lines[4].rstrip(","), f"FID-768,facades,{'b' * 64},maps")
        self.assertLen({line.count(",") for line in lines}, 1)

    def test_beside_a_value_stands_what_it_depends_on(self):
        matrix = Matrix(("maps", "edges"), ("1", "2"), {"KID-768": [[0.5, 0.5], [None, None]]})
        figures = {("maps", "edges"): {"KID-768": KID}, ("edges", "edges"): {"KID-768": NONE}}
        lines = list(csv.reader(to_csv(matrix, figures).splitlines()))
        self.assertEqual(lines[2][4:], ["0.5", "0.25", "7", "test", "hash", "e" * 64, "to 299", "few; new", "", ""])
        self.assertEqual(lines[4][4:], ["", "", "", "", "", "", "", "one image", "", ""])
        self.assertEqual(from_csv(to_csv(matrix, figures)), matrix)
        (first, second) = json.loads(to_json(matrix, figures))["figures"]
        self.assertEqual((first["task"], first["after"], first["extractor"]["resize"]), ("maps", "edges", "to 299"))
        self.assertEqual((second["value"], second["reason"]), (None, "one image"))
        self.assertEqual(from_json(to_json(matrix, figures)), matrix)

    def test_a_name_may_hold_a_comma(self):
        odd = Matrix(('a, "b"', "ü"), ("1", "2"), {"L1": [[0.5, 1.0], [None, 2.0]]})
        self.assertEqual(from_csv(to_csv(odd)), odd)
        self.assertEqual(from_json(to_json(odd)), odd)

    def test_other_text_is_refused(self):
        texts = (
            "",
            "{",
            "[]",
            "{}",
            "[" * 200_000,
            '{"tasks": ["a"], "slices": ["b"], "values": []}',
            to_json(MATRIX)[:-5],
        )
        for text in (*texts, to_json(MATRIX).replace("100.0", '"100"'), to_json(MATRIX).replace("100.0", "NaN")):
            with self.assertRaisesRegex(ValueError, "Received: "):
                from_json(text)
        for text in ("", "a,b\n1,2\n", to_csv(MATRIX).replace("100.0", "x"), "metric,task,slice,after,value\n"):
            with self.assertRaisesRegex(ValueError, "Received: "):
                from_csv(text)

    def test_an_edited_file_is_refused_and_an_older_one_is_read(self):
        text = to_json(MATRIX)
        with self.assertRaisesRegex(ValueError, "was changed since it was written"):
            from_json(text.replace("130.0", "30.0"))
        self.assertEqual(from_json(json.dumps(json.loads(text))), MATRIX)
        older = {key: value for key, value in json.loads(text).items() if key != "own_sha256"}
        self.assertEqual(from_json(json.dumps(older)), MATRIX)

    def test_figures_of_wrong_types_are_refused(self):
        matrix = Matrix(("maps", "edges"), ("1", "2"), {"KID-768": [[None, 0.5], [None, None]]})
        figures = {("maps", "edges"): {"KID-768": KID}, ("edges", "edges"): {"KID-768": NONE}}
        self.assertEqual(with_figures(to_json(matrix, figures)), (matrix, figures))
        plain = json.loads(to_json(matrix, figures))
        first, second = plain["figures"]
        changes = [{"value": "0.5"}, {"value": 0.25}, {"notes": None}, {"notes": [1]}, {"notes": "few"}, {"task": "x"}]
        changes += [{"extractor": []}, {"extractor": {"name": 1}}, {"extractor": "x"}, {"real": 3}, {"generated": {}}]
        changes += [{"standard_error": "x"}, {"name": None}, {"name": []}, {"after": {}}, {"more": 1}]
        for wrong in (None, 3, "x", {"a": 1}, [None], [[]], *([{**first, **change}, second] for change in changes)):
            with self.assertRaisesRegex(ValueError, "Received: ", msg=wrong):
                with_figures(json.dumps(with_own_hash({**plain, "figures": wrong})))

    def test_values_by_several_networks_are_not_compared(self):
        matrix = Matrix(("maps", "edges"), ("1", "2"), {"FCD": [[67.0, 76.0], [None, 70.0]]})
        of_two, of_three = ({**NETWORK, "name": name, "sha256": name[-1] * 64} for name in ("a, b", "a, b, c"))

        def figures(then, now):
            cells = (("maps", "maps"), then), (("maps", "edges"), now), (("edges", "edges"), now)
            return {
                (task, after): {"FCD": Measurement("FCD", matrix.value("FCD", task, after), extractor=network)}
                for (task, after), network in cells
            }

        one = summary(matrix, figures(of_three, of_three))
        self.assertIn("FCD: measured by a, b, c (cccccccc); comparable only with values of the same extractor", one)
        self.assertRegex(one, r"\nforgetting +9")
        renamed = summary(matrix, figures({**of_three, "name": "the tasks"}, of_three))
        self.assertRegex(renamed, r"\nforgetting +9")
        several = summary(matrix, figures(of_two, of_three))
        self.assertIn("measured by several extractors: a, b (bbbbbbbb), a, b, c (cccccccc)", several)
        self.assertNotRegex(several, r"(average|forgetting|transfer) +-?\d")

    def test_the_table_shows_values_and_measures(self):
        lines = table(MATRIX, "FID-768").splitlines()
        self.assertIn("lower is better", lines[0])
        self.assertEqual(lines[1].split(), ["after", *TASKS])
        self.assertEqual(lines[3].split(), ["facades", "–", "50", "45"])
        self.assertEqual(lines[5].split(), ["average", "100", "70", "81.67"])
        self.assertEqual(lines[6:], ["forgetting 17.5", "backward transfer -12.5"])
        self.assertLen({len(line) for line in lines[1:6]}, 1)
        self.assertIn("higher is better", table(MATRIX, "Acc"))

    def test_the_summary_has_a_row_for_each_task_and_what_is_to_be_said_once(self):
        values = {"KID-768": [[0.5, 0.5], [None, None]], "L1": [[0.25, 0.75], [None, 0.5]]}
        figures = {
            ("maps", "maps"): {"KID-768": dataclasses.replace(KID, notes=("old",))},
            ("maps", "edges"): {"KID-768": KID, "L1": Measurement("L1", 0.75, generated=SET, notes=("few",))},
            ("edges", "edges"): {"KID-768": NONE, "L1": Measurement("L1", 0.5, generated=SET, notes=("few",))},
        }
        found = summary(Matrix(("maps", "edges"), ("1", "2"), values), figures)
        lines = [line.split() for line in found.splitlines()]
        self.assertEqual(lines[0], ["after", "edges", "KID-768", "↓", "L1", "↓", "n"])
        self.assertEqual(lines[1], ["maps", "0.5", "±0.2", "0.75", "7"])
        self.assertEqual(lines[2], ["edges", "–", "0.5", "7"])
        self.assertEqual(lines[3:6], [["average", "–", "0.625"], ["forgetting", "0", "0.5"], [*BACKWARD, "0", "-0.5"]])
        self.assertEqual(found.count("KID-768, L1 of maps, edges: few"), 1)
        self.assertEqual(found.count("KID-768 of edges: one image"), 1)
        self.assertNotIn("old", found)
        self.assertIn("L1: mean distance to the target, in [-1, 1]; lower is better\n", found)
        # L1 changed over time and has its own table; the kernel distance did not.
        self.assertIn("\nL1, mean distance", found)
        self.assertNotIn("\nKID-768, kernel", found)


if __name__ == "__main__":
    absltest.main()

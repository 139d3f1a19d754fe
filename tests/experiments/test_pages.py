"""The page: figures side by side, problems with their names, and what disagrees."""

import json
import os
import shutil

from absl.testing import absltest

from pgtf.experiments.paper import pages
from pgtf.experiments.paper.presets import PRESETS
from pgtf.experiments.paper.results import Results
from pgtf.experiments.paper.tables import Column, Row, Table, distance, later_distance, later_share
from pgtf.foundation import files
from tests.experiments.made import FID, TASKS, finished_run
from tests.experiments.test_results import BASE, EXPERIMENT, experiment_of

WORSE = [[2 * value if value else value for value in row] for row in FID]
GOOD, BAD = EXPERIMENT, experiment_of(TASKS, {"method": "full"}, 1, BASE)
EXPERIMENT_2 = experiment_of(TASKS, {"method": "mask"}, 1, BASE)
COLUMNS = (Column("FID", distance), Column("share", lambda found: 100 * later_share(found)))
TABLE = Table("Table 9: two methods", COLUMNS, (Row("good", (GOOD,), {"FID": 30.0}), Row("bad", (BAD,), {"FID": 20.0})))


class PagesTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.results = Results(self.create_tempdir().full_path)

    def write(self, *experiments):
        for each in experiments:
            run = finished_run(self.create_tempdir().full_path, WORSE if each is BAD else FID)
            self.results.write(each, run)
        return {each.name: self.results.read(each) for each in experiments}

    def page(self, folder, table=TABLE):
        path = os.path.join(folder, "RESULTS.md")
        shutil.copytree(self.results.folder, os.path.join(folder, "results"), dirs_exist_ok=True)
        pages.write_page(path, PRESETS["mini"], {"9": table}, Results(os.path.join(folder, "results")))
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_a_table(self):
        known = self.write(GOOD, BAD)
        share = f"{100 * later_share(known[GOOD.name]):.3g}"
        self.assertEqual(
            pages.markdown(TABLE, known),
            "|  | paper: FID | FID | share |\n| --- | --- | --- | --- |\n"
            f"| good | 30 | 5 | {share} |\n| bad | 20 | 10 | {share} |",
        )

    def test_a_table_without_results_is_one_line(self):
        page = self.page(self.create_tempdir().full_path)
        self.assertEndsWith(page, "## Table 9: two methods\n\nNot measured yet.\n")

    def test_a_remark_stands_below_its_table(self):
        self.write(GOOD)
        table = Table("9", COLUMNS, TABLE.rows, remark=lambda known: f"{len(known)} results.")
        self.assertIn("10.\n\n1 results.", self.page(self.create_tempdir().full_path, table))

    def test_several_seeds(self):
        table = Table("9", COLUMNS, (Row("both", (GOOD, BAD)),))
        known = self.write(GOOD, BAD)
        share = f"{100 * later_share(known[GOOD.name]):.3g}"  # Of both.
        self.assertIn(f"| both | 7.5 (5, 10) | {share} |", pages.markdown(table, known))

    def test_another_order_than_the_papers_is_told(self):
        self.write(GOOD, BAD)
        self.assertIn(
            "- FID: bad is lower than good in the paper, higher here.", self.page(self.create_tempdir().full_path)
        )

    def test_an_order_that_another_seed_turns_round_is_told_as_that(self):
        worse, better = (Row("a", (GOOD, BAD), {"FID": 20.0}), Row("b", (GOOD,), {"FID": 30.0}))
        self.write(GOOD, BAD)
        page = self.page(self.create_tempdir().full_path, Table("9", COLUMNS, (worse, better)))
        self.assertIn("- FID: a is lower than b in the paper, higher here; the ranges over seeds overlap.", page)

    def test_what_doing_nothing_has_is_told_where_it_is_known(self):
        self.assertNotIn("unchanged inputs", self.page(self.create_tempdir().full_path))
        self.write(BAD)
        page = self.page(self.create_tempdir().full_path)
        self.assertIn("\n\nFID of the unchanged inputs: facades 8, maps 10.\n\n", page)

    def test_what_a_person_wrote_of_a_table_stands_below_it(self):
        self.write(GOOD)
        folder = self.create_tempdir().full_path
        note = os.path.join(folder, "results", "notes", "9.md")
        self.assertNotIn("because", self.page(folder))
        files.write(note, b"because of that\n")
        self.assertIn("maps 10.\n\nbecause of that\n\nMissing: ", self.page(folder))

    def test_a_missing_piece_is_a_hole_with_a_name(self):
        self.write(GOOD)
        page = self.page(self.create_tempdir().full_path)
        self.assertIn("| bad | 20 | – | – |", page)
        self.assertIn("Missing: bad (seed 1).", page)
        self.assertNotIn("paper's order", page)

    def edited(self, experiment, images=None, **extractors):
        """Rewrites the file of an experiment as one of other images or extractors, from before content was hashed."""
        with open(self.results.path(experiment), encoding="utf-8") as file:
            plain = json.load(file)
        del plain["sha256"]
        plain["images"].update(images or {})
        plain["beside"]["extractors"].update(extractors)
        files.write(self.results.path(experiment), json.dumps(plain).encode())

    def test_a_result_of_other_images_is_neither_averaged_nor_silent(self):
        self.write(GOOD, BAD)
        table = Table("9", COLUMNS, (Row("both", (GOOD, BAD)), Row("other", (EXPERIMENT_2,))))
        self.edited(BAD, {"maps": "59135585e4a8f1c1"})
        self.write(EXPERIMENT_2)
        page = self.page(self.create_tempdir().full_path, table)
        self.assertIn("| both | 5 |", page)
        self.assertIn("Left out:\n- both (seed 1): images of maps are 59135585e4a8f1c1, not drawn.", page)
        self.assertNotIn("Missing", page)

    def test_a_distance_by_another_judge_is_not_averaged(self):
        self.write(GOOD, BAD, EXPERIMENT_2)
        self.edited(BAD, **{"FID-8": "classifier of the tasks (12)"})
        page = self.page(self.create_tempdir().full_path, Table("9", COLUMNS, (Row("all", (GOOD, BAD, EXPERIMENT_2)),)))
        self.assertIn("| all | 5 |", page)
        self.assertIn(
            "- all (seed 1): extractor of distances is classifier of the tasks (12), not eyes (abababababab).", page
        )

    def test_an_acc_by_another_classifier_is_left_out_alone(self):
        columns = (*COLUMNS, Column("Acc", lambda found: found.figure("Acc")))
        self.write(GOOD, BAD, EXPERIMENT_2)
        self.edited(BAD, Acc="a (2)")
        self.edited(GOOD, Acc="a (1)")
        self.edited(EXPERIMENT_2, Acc="a (1)")
        table = Table("9", columns, (Row("good", (GOOD,)), Row("bad", (BAD,)), Row("2", (EXPERIMENT_2,))))
        page = self.page(self.create_tempdir().full_path, table)
        self.assertRegex(page, r"\| bad \| 10 \| [\d.]+ \| – \|")
        self.assertRegex(page, r"\| good \| 5 \| [\d.]+ \| 0.583 \|")
        self.assertIn("- Acc of bad (seed 1): classifier of Acc is a (2), not a (1).", page)

    def test_a_damaged_result_is_a_hole_with_its_reason(self):
        self.write(GOOD, BAD)
        files.write(self.results.path(BAD), b"{")
        page = self.page(self.create_tempdir().full_path)
        self.assertIn("| bad | 20 | – | – |", page)
        self.assertIn("Left out:\n- bad (seed 1): its file is damaged.", page)

    def test_who_owns_the_frontier(self):
        rows = [("large", 90.0, 1.5), ("none", 50.0, 2.5), ("small", 10.0, 3.0), ("small, too", 10.0, 2.25)]
        self.assertEqual(
            pages._frontier([pages._TablePoint(*row, range=row[2:] * 2) for row in rows]),
            "Pareto frontier (size, distance): small, too (10 %, 2.25); large (90 %, 1.5).",
        )

    def test_a_point_is_the_mean_of_its_seeds_with_their_range(self):
        columns = (Column("mean", later_distance), COLUMNS[1])
        table = Table("9", columns, (Row("both", (GOOD, BAD)), Row("missing", (EXPERIMENT_2,))), plot=True)
        known = self.write(GOOD, BAD)
        share = 100 * later_share(known[GOOD.name])
        self.assertEqual(pages._points(table, known), [pages._TablePoint("both", share, 7.5, (5.0, 10.0))])

    def test_redrawn_it_is_the_same(self):
        self.write(GOOD, BAD)
        columns = (Column("mean", later_distance), COLUMNS[1])
        table = Table("9", columns, TABLE.rows, plot=True)
        folders = [self.create_tempdir().full_path for _ in range(2)]
        self.assertEqual(*(self.page(folder, table) for folder in folders))
        for name in ("9.csv", "9.png"):
            first, second = (os.path.join(folder, "results", "page", name) for folder in folders)
            with open(first, "rb") as one, open(second, "rb") as other:
                self.assertEqual(one.read(), other.read())


if __name__ == "__main__":
    absltest.main()

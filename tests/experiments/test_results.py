"""Pieces, and what is kept of them."""

import dataclasses
import itertools
import json
import os

from absl.testing import absltest, parameterized

from pgtf.data.finder import Finder
from pgtf.experiments.paper import identity
from pgtf.experiments.paper.experiment import piece, with_bases
from pgtf.experiments.paper.identity import DRAWN, Wanted, images_identity
from pgtf.experiments.paper.presets import PRESETS
from pgtf.experiments.paper.results import MISSING, Results
from pgtf.experiments.paper.tables import distance, later_distance, later_figure, later_share, tables
from pgtf.foundation import files
from pgtf.runs.run import Run
from tests.experiments.made import FID, TASKS, finished_run

NOT_THERE = "not in the data folder"
BASE = piece(TASKS[:1], {"method": "full", "steps": 5}, 1)
PIECE = piece(TASKS, {"steps": 5, "method": "mask"}, 1, BASE)


class PieceTest(absltest.TestCase):
    def test_the_order_of_flags_is_nothing(self):
        self.assertEqual(piece(TASKS, {"method": "mask", "steps": "5"}, 1, BASE).name, PIECE.name)

    def test_all_that_decides_what_is_learnt_is_in_the_name(self):
        others = [
            piece(TASKS, {"method": "mask", "steps": 6}, 1, BASE),
            piece(TASKS, {"method": "mask", "steps": 5, "rank": 1}, 1, BASE),
            piece(TASKS, {"method": "mask", "steps": 5}, 2, BASE),
            piece(TASKS[:2], {"method": "mask", "steps": 5}, 1, BASE),
            piece(TASKS, {"method": "mask", "steps": 5}, 1),
            dataclasses.replace(PIECE, base=dataclasses.replace(BASE, seed=2)),
        ]
        self.assertLen({PIECE.name, *(other.name for other in others)}, 7)

    def test_a_base_goes_first_and_once(self):
        other = dataclasses.replace(PIECE, seed=5)
        self.assertEqual(with_bases([PIECE, other, PIECE]), [BASE, PIECE, other])

    def test_what_is_learnt(self):
        self.assertEqual((PIECE.learned, BASE.learned), (("maps", "shoes"), ("facades",)))


class ResultsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.results = Results(self.create_tempdir().full_path)

    def written(self):
        return self.results.write(PIECE, finished_run(self.create_tempdir().full_path))

    def test_none_yet(self):
        self.assertIsNone(self.results.read(PIECE))

    def test_figures_by_hand(self):
        self.written()
        found = self.results.read(PIECE)
        self.assertEqual(distance(found), (5 + 4 + 6) / 3)
        self.assertEqual(distance(found, "maps"), 4)
        self.assertEqual(later_distance(found), (4 + 6) / 2)
        self.assertEqual(later_figure(found, "Acc"), (0.5 + 1) / 2)
        self.assertEqual(found.figure("Acc", "facades"), 0.25)
        self.assertEqual(found.forgetting("FID"), ((5 - 1) + (4 - 3)) / 2)
        self.assertIsNone(found.figure("KID"))
        self.assertAlmostEqual(later_share(found), (found.stored["maps"] + found.stored["shoes"]) / 2 / found.full)
        self.assertEqual(found.beside["n"], {"facades": 7, "maps": 7, "shoes": 7})

    def test_compressed_copies_count_as_their_tasks(self):
        tasks = ("facades", "maps", "maps-2percent")
        run = finished_run(self.create_tempdir().full_path, tasks=tasks)
        slices = [task.slice for task in Run(run)]
        own = dataclasses.replace(PIECE, tasks=tasks[:2])
        copied = dataclasses.replace(own, compressed="2%")
        self.assertNotEqual(copied.name, own.name)
        self.assertEqual(copied.run_name, own.run_name)
        for one, place in ((own, 1), (copied, 2)):
            self.results.write(one, run)
            found = self.results.read(one)
            self.assertEqual(found.matrix.tasks, ("facades", "maps"))
            self.assertEqual(found.matrix.slices, (slices[0].sha256, slices[place].sha256))
            self.assertEqual(distance(found, "maps"), FID[place][place])
            self.assertEqual(distance(found, "facades"), FID[0][place])
            self.assertEqual(found.stored["maps"], slices[place].stored_bytes)
            self.assertEqual(found.beside["n"], {"facades": 7, "maps": 7})

    def test_seeds(self):
        self.assertEmpty(self.results.seeds())
        run = finished_run(self.create_tempdir().full_path)
        for seed in (10, 2):
            self.results.write(dataclasses.replace(PIECE, seed=seed), run)
        files.write(f"{self.results.folder}/notes/3-1.md", b"of something else")
        self.assertEqual(self.results.seeds(), {2, 10})

    def test_another_piece_under_its_name_is_not_it(self):
        self.written()
        with open(self.results.path(PIECE), encoding="utf-8") as file:
            plain = json.load(file)
        plain["piece"]["seed"] = 9
        with open(self.results.path(PIECE), "w", encoding="utf-8") as file:
            json.dump(plain, file)
        self.assertIsNone(self.results.read(PIECE))

    @parameterized.parameters(
        ("{", "its file is damaged"),
        ("[]", "its file belongs to another experiment"),
        ("[" * 9999, "its file is damaged"),
    )
    def test_a_damaged_file_is_a_hole(self, text, why):
        files.write(self.results.path(PIECE), text.encode())
        self.assertIsNone(self.results.read(PIECE))
        self.assertEqual(self.results.hole(PIECE), why)

    def edited(self, **fields):
        """Rewrites the file of PIECE as one from before content was hashed, with other fields; None removes one."""
        self.written()
        path = self.results.path(PIECE)
        with open(path, encoding="utf-8") as file:
            plain = {**json.load(file), **fields, "sha256": None}
        plain = {name: value for name, value in plain.items() if value is not None}
        files.write(path, json.dumps(plain).replace('"NULL"', "null").encode())

    @parameterized.parameters(
        ("seconds", "NULL", "null"),
        ("seconds", "5", '"5"'),
        ("seconds", -1, "-1"),
        ("seconds", float("nan"), "NaN"),
        ("full", 0, "0"),
        ("full", True, "true"),
        ("stored", {"maps": "NULL"}, '{"maps": null}'),
        ("tasks", 3, "3"),
        ("slices", [1], "[1]"),
        ("values", [], "[]"),
        ("images", {"maps": 5}, '{"maps": 5}'),
        ("beside", {}, "{}"),
    )
    def test_a_field_of_a_wrong_type_is_a_hole(self, name, value, said):
        self.edited(**{name: value})
        self.assertIsNone(self.results.read(PIECE))
        self.assertEqual(self.results.hole(PIECE), f"its file has a wrong `{name}`: {said}")

    def test_fields_that_do_not_fit_the_piece_are_holes(self):
        for fields, why in (
            ({"values": {"FID-8": [[1.0]]}}, "`values` in its file are not matrices of its tasks"),
            ({"values": {"FID-8": 3}}, "`values` in its file are not matrices of its tasks"),
            ({"tasks": ["maps"]}, "its file has other tasks"),
            ({"stored": {"maps": 3}}, "its file has other tasks"),
            ({"images": {"maps": "ab"}}, "its file records no data"),
        ):
            self.edited(**fields)
            self.assertEqual(self.results.hole(PIECE), why)

    @parameterized.parameters(("images", "data"), ("beside", "feature extractors"))
    def test_a_result_without_data_or_judges_is_a_hole(self, name, said):
        self.edited(**{name: None})
        self.assertEqual(self.results.hole(PIECE), f"its file records no {said}")

    def test_content_is_hashed(self):
        self.written()
        path = self.results.path(PIECE)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        files.write(path, text.replace("6.0", "0.6").encode())
        self.assertEqual(self.results.hole(PIECE), "its file has changed since it was written")
        self.edited()  # Without a hash, as results were before.
        self.assertEqual(self.results.hole(PIECE), "")

    def test_drawn_images_do_not_count_as_real_ones(self):
        self.assertEqual(set(self.written().images.values()), {DRAWN})
        data = self.create_tempdir().full_path
        for task in TASKS:
            files.write(os.path.join(data, task, "train", "1.png"), b"a name and a size is all that is asked of it")
        real = Results(self.results.folder, Wanted(data))
        self.assertIsNone(real.read(PIECE))
        self.assertRegex(real.hole(PIECE), r"images of facades are drawn, not \w{16}$")
        self.assertEqual(Results(real.folder, Wanted("")).hole(PIECE), "")
        self.assertEqual(
            Results(real.folder, Wanted("/nowhere")).other(PIECE), f"images of facades are drawn, {NOT_THERE}"
        )

    def test_a_result_of_real_images_counts_for_the_same_images_wherever_they_lie(self):
        folders = [self.create_tempdir().full_path for _ in range(2)]
        for folder, task in itertools.product(folders, TASKS):
            files.write(os.path.join(folder, task, "train", "1.png"), b"an image")
        images = {task: identity._images(folders[0], task, "paired", 0.0) for task in TASKS}
        self.edited(images=images)
        for folder in folders:
            self.assertEqual(Results(self.results.folder, Wanted(folder)).hole(PIECE), "")
        self.assertEqual(
            Results(self.results.folder, Wanted("")).hole(PIECE),
            f"images of facades are {images['facades']}, not drawn",
        )

    def test_held_out_images_belong_to_the_data(self):
        folder = self.create_tempdir().full_path
        for task, number in itertools.product(TASKS, range(30)):
            files.write(os.path.join(folder, task, "train", f"{number}.png"), b"an image")
        find = Finder(folder, "pairs", (8, 8), (8, 8), validation=0.5)
        self.edited(images={task: images_identity(folder, find(task).manifest.summary()) for task in TASKS})
        held_out = dataclasses.replace(PIECE, flags=(*PIECE.flags, ("validation", "0.5")))
        wanted, found = Wanted(folder), self.results._load(PIECE).identity
        self.assertEqual(wanted.difference(held_out, found), "")
        self.assertStartsWith(wanted.difference(PIECE, found), "images of facades are ")

    def test_another_judge_does_not_count(self):
        self.written()
        mine = "eyes (abababababab)"
        self.assertEqual(Results(self.results.folder, Wanted(judge=mine)).hole(PIECE), "")
        self.assertEqual(Results(self.results.folder, Wanted(judge="eyes")).hole(PIECE), "")  # Of any hash.
        other = Results(self.results.folder, Wanted(judge="ears (1)"))
        self.assertIsNone(other.read(PIECE))
        self.assertEqual(other.hole(PIECE), f"judge of distances is {mine}, not ears (1)")

    def test_a_run_of_other_data_is_not_written(self):
        results = Results(self.results.folder, Wanted(self.create_tempdir().full_path))
        with self.assertRaisesRegex(ValueError, "images of facades are drawn, not .*Received: --runs="):
            results.write(PIECE, finished_run(self.create_tempdir().full_path))
        self.assertEqual(results.hole(PIECE), MISSING)

    def test_the_results_that_came_before_hashes_count(self):
        mini = Results(os.path.join(os.path.dirname(__file__), "..", "..", "results", "mini"))
        every = [row.pieces for table in tables(PRESETS["mini"], [0, 1]).values() for row in table.rows]
        holes = [mini.hole(each) for each in with_bases(list(itertools.chain(*every)))]
        self.assertEqual(set(holes) - {MISSING}, {""})
        self.assertGreaterEqual(holes.count(""), 82)


class TablesTest(parameterized.TestCase):
    @parameterized.parameters("mini", "paper")
    def test_a_network_that_two_tables_need_is_learnt_once(self, preset):
        found = tables(PRESETS[preset], [0, 1])
        pieces = {key: {row.title: row.pieces for row in table.rows} for key, table in found.items()}
        for method in ("Full", "Piggyback GAN"):
            self.assertEqual(pieces["1"][method], pieces["3"][method])
            self.assertEqual(pieces["3"][method], pieces["frontier"][method])
        self.assertEqual(pieces["2"]["first cityscapes"], pieces["1"]["Piggyback GAN"])
        self.assertEqual(pieces["figure 3"]["λ = 0"], pieces["1"]["PF"])
        self.assertEqual(pieces["figure 3"]["λ = ¼"], pieces["1"]["Piggyback GAN"])
        bases = {piece.base for piece in pieces["3"]["SFT"] + pieces["3"]["Full"]}
        self.assertLen(bases, 2)  # One for each seed.
        for row in ("¼ Full", "PackNet", "CPG"):  # Narrower or pruned, their first task is no full network's.
            self.assertEqual({piece.base for piece in pieces["frontier"][row]}, {None})

    def test_the_flags_are_those_of_train(self):
        from pgtf.config import Config

        for preset in PRESETS.values():
            for table in tables(preset, [0]).values():
                for row in table.rows:
                    for each in with_bases(list(row.pieces)):
                        self.assertEqual(as_config(Config, each).tasks, each.tasks)


def as_config(kind, each):
    """The config that train.py makes of a piece."""
    from absl import flags

    from pgtf.cli import command_line

    values = flags.FlagValues()
    command_line.define(values)
    values(["train", *(f"--{name}={value}" for name, value in each.flags), f"--tasks={','.join(each.tasks)}"])
    return kind.from_flat(command_line._parsed(values))


if __name__ == "__main__":
    absltest.main()

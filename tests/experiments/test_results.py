"""Pieces, and what is kept of them."""

import dataclasses
import itertools
import json
import os

from absl.testing import absltest, parameterized

from pgtf.data.finder import Finder
from pgtf.experiments.paper import identity
from pgtf.experiments.paper.experiment import experiment_of, with_bases
from pgtf.experiments.paper.identity import DRAWN, Wanted, images_identity
from pgtf.experiments.paper.presets import PRESETS
from pgtf.experiments.paper.results import MISSING, Results
from pgtf.experiments.paper.tables import distance, later_distance, later_figure, later_share, tables
from pgtf.foundation import files
from pgtf.runs.run import Run
from tests.experiments.made import FID, TASKS, finished_run

NOT_THERE = "not in the data folder"
BASE = experiment_of(TASKS[:1], {"method": "full", "steps": 5}, 1)
EXPERIMENT = experiment_of(TASKS, {"steps": 5, "method": "mask"}, 1, BASE)


class PieceTest(absltest.TestCase):
    def test_the_order_of_flags_is_nothing(self):
        self.assertEqual(experiment_of(TASKS, {"method": "mask", "steps": "5"}, 1, BASE).name, EXPERIMENT.name)

    def test_all_that_decides_what_is_learnt_is_in_the_name(self):
        others = [
            experiment_of(TASKS, {"method": "mask", "steps": 6}, 1, BASE),
            experiment_of(TASKS, {"method": "mask", "steps": 5, "rank": 1}, 1, BASE),
            experiment_of(TASKS, {"method": "mask", "steps": 5}, 2, BASE),
            experiment_of(TASKS[:2], {"method": "mask", "steps": 5}, 1, BASE),
            experiment_of(TASKS, {"method": "mask", "steps": 5}, 1),
            dataclasses.replace(EXPERIMENT, base=dataclasses.replace(BASE, seed=2)),
        ]
        self.assertLen({EXPERIMENT.name, *(other.name for other in others)}, 7)

    def test_a_base_goes_first_and_once(self):
        other = dataclasses.replace(EXPERIMENT, seed=5)
        self.assertEqual(with_bases([EXPERIMENT, other, EXPERIMENT]), [BASE, EXPERIMENT, other])

    def test_what_is_learnt(self):
        self.assertEqual((EXPERIMENT.learned, BASE.learned), (("maps", "shoes"), ("facades",)))


class ResultsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.results = Results(self.create_tempdir().full_path)

    def written(self):
        return self.results.write(EXPERIMENT, finished_run(self.create_tempdir().full_path))

    def test_none_yet(self):
        self.assertIsNone(self.results.read(EXPERIMENT))

    def test_figures_by_hand(self):
        self.written()
        found = self.results.read(EXPERIMENT)
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
        own = dataclasses.replace(EXPERIMENT, tasks=tasks[:2])
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
            self.results.write(dataclasses.replace(EXPERIMENT, seed=seed), run)
        files.write(f"{self.results.folder}/notes/3-1.md", b"of something else")
        self.assertEqual(self.results.seeds(), {2, 10})

    def test_another_piece_under_its_name_is_not_it(self):
        self.written()
        with open(self.results.path(EXPERIMENT), encoding="utf-8") as file:
            plain = json.load(file)
        plain["piece"]["seed"] = 9
        with open(self.results.path(EXPERIMENT), "w", encoding="utf-8") as file:
            json.dump(plain, file)
        self.assertIsNone(self.results.read(EXPERIMENT))

    @parameterized.parameters(
        ("{", "its file is damaged"),
        ("[]", "its file belongs to another experiment"),
        ("[" * 9999, "its file is damaged"),
    )
    def test_a_damaged_file_is_a_hole(self, text, why):
        files.write(self.results.path(EXPERIMENT), text.encode())
        self.assertIsNone(self.results.read(EXPERIMENT))
        self.assertEqual(self.results.problem(EXPERIMENT), why)

    def edited(self, **fields):
        """Rewrites EXPERIMENT's file as one from before content was hashed, with other fields; None removes one."""
        self.written()
        path = self.results.path(EXPERIMENT)
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
        self.assertIsNone(self.results.read(EXPERIMENT))
        self.assertEqual(self.results.problem(EXPERIMENT), f"its file has a wrong `{name}`: {said}")

    def test_fields_that_do_not_fit_the_piece_are_holes(self):
        for fields, why in (
            ({"values": {"FID-8": [[1.0]]}}, "`values` in its file are not matrices of its tasks"),
            ({"values": {"FID-8": 3}}, "`values` in its file are not matrices of its tasks"),
            ({"tasks": ["maps"]}, "its file has other tasks"),
            ({"stored": {"maps": 3}}, "its file has other tasks"),
            ({"images": {"maps": "ab"}}, "its file records no data"),
        ):
            self.edited(**fields)
            self.assertEqual(self.results.problem(EXPERIMENT), why)

    @parameterized.parameters(("images", "data"), ("beside", "feature extractors"))
    def test_a_result_without_data_or_judges_is_a_hole(self, name, said):
        self.edited(**{name: None})
        self.assertEqual(self.results.problem(EXPERIMENT), f"its file records no {said}")

    def test_content_is_hashed(self):
        self.written()
        path = self.results.path(EXPERIMENT)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        files.write(path, text.replace("6.0", "0.6").encode())
        self.assertEqual(self.results.problem(EXPERIMENT), "its file has changed since it was written")
        self.edited()  # Without a hash, as results were before.
        self.assertEqual(self.results.problem(EXPERIMENT), "")

    def test_drawn_images_do_not_count_as_real_ones(self):
        self.assertEqual(set(self.written().images.values()), {DRAWN})
        data = self.create_tempdir().full_path
        for task in TASKS:
            files.write(os.path.join(data, task, "train", "1.png"), b"a name and a size is all that is asked of it")
        real = Results(self.results.folder, Wanted(data))
        self.assertIsNone(real.read(EXPERIMENT))
        self.assertRegex(real.problem(EXPERIMENT), r"images of facades are drawn, not \w{16}$")
        self.assertEqual(Results(real.folder, Wanted("")).problem(EXPERIMENT), "")
        self.assertEqual(
            Results(real.folder, Wanted("/nowhere")).other(EXPERIMENT), f"images of facades are drawn, {NOT_THERE}"
        )

    def test_a_result_of_real_images_counts_for_the_same_images_wherever_they_lie(self):
        folders = [self.create_tempdir().full_path for _ in range(2)]
        for folder, task in itertools.product(folders, TASKS):
            files.write(os.path.join(folder, task, "train", "1.png"), b"an image")
        images = {task: identity._images(folders[0], task, "paired", 0.0) for task in TASKS}
        self.edited(images=images)
        for folder in folders:
            self.assertEqual(Results(self.results.folder, Wanted(folder)).problem(EXPERIMENT), "")
        self.assertEqual(
            Results(self.results.folder, Wanted("")).problem(EXPERIMENT),
            f"images of facades are {images['facades']}, not drawn",
        )

    def test_held_out_images_belong_to_the_data(self):
        folder = self.create_tempdir().full_path
        for task, number in itertools.product(TASKS, range(30)):
            files.write(os.path.join(folder, task, "train", f"{number}.png"), b"an image")
        find = Finder(folder, "pairs", (8, 8), (8, 8), validation=0.5)
        self.edited(images={task: images_identity(folder, find(task).manifest.summary()) for task in TASKS})
        held_out = dataclasses.replace(EXPERIMENT, flags=(*EXPERIMENT.flags, ("validation", "0.5")))
        wanted, found = Wanted(folder), self.results._load(EXPERIMENT).identity
        self.assertEqual(wanted.difference(held_out, found), "")
        self.assertStartsWith(wanted.difference(EXPERIMENT, found), "images of facades are ")

    def test_another_judge_does_not_count(self):
        self.written()
        mine = "eyes (abababababab)"
        self.assertEqual(Results(self.results.folder, Wanted(extractor=mine)).problem(EXPERIMENT), "")
        self.assertEqual(Results(self.results.folder, Wanted(extractor="eyes")).problem(EXPERIMENT), "")  # Of any hash.
        other = Results(self.results.folder, Wanted(extractor="ears (1)"))
        self.assertIsNone(other.read(EXPERIMENT))
        self.assertEqual(other.problem(EXPERIMENT), f"extractor of distances is {mine}, not ears (1)")

    def test_a_run_of_other_data_is_not_written(self):
        results = Results(self.results.folder, Wanted(self.create_tempdir().full_path))
        with self.assertRaisesRegex(ValueError, "images of facades are drawn, not .*Received: --runs="):
            results.write(EXPERIMENT, finished_run(self.create_tempdir().full_path))
        self.assertEqual(results.problem(EXPERIMENT), MISSING)

    def test_the_results_that_came_before_hashes_count(self):
        mini = Results(os.path.join(os.path.dirname(__file__), "..", "..", "results", "mini"))
        every = [row.experiments for table in tables(PRESETS["mini"], [0, 1]).values() for row in table.rows]
        problems = [mini.problem(each) for each in with_bases(list(itertools.chain(*every)))]
        self.assertEqual(set(problems) - {MISSING}, {""})
        self.assertGreaterEqual(problems.count(""), 82)


class TablesTest(parameterized.TestCase):
    @parameterized.parameters("mini", "paper")
    def test_a_network_that_two_tables_need_is_learnt_once(self, preset):
        found = tables(PRESETS[preset], [0, 1])
        experiments = {key: {row.title: row.experiments for row in table.rows} for key, table in found.items()}
        for method in ("Full", "Piggyback GAN"):
            self.assertEqual(experiments["1"][method], experiments["3"][method])
            self.assertEqual(experiments["3"][method], experiments["frontier"][method])
        self.assertEqual(experiments["2"]["first cityscapes"], experiments["1"]["Piggyback GAN"])
        self.assertEqual(experiments["figure 3"]["λ = 0"], experiments["1"]["PF"])
        self.assertEqual(experiments["figure 3"]["λ = ¼"], experiments["1"]["Piggyback GAN"])
        bases = {experiment.base for experiment in experiments["3"]["SFT"] + experiments["3"]["Full"]}
        self.assertLen(bases, 2)  # One for each seed.
        for row in ("¼ Full", "PackNet", "CPG"):  # Narrower or pruned, their first task is no full network's.
            self.assertEqual({experiment.base for experiment in experiments["frontier"][row]}, {None})

    def test_the_flags_are_those_of_train(self):
        from pgtf.config import Config

        for preset in PRESETS.values():
            for table in tables(preset, [0]).values():
                for row in table.rows:
                    for each in with_bases(list(row.experiments)):
                        self.assertEqual(as_config(Config, each).tasks, each.tasks)


def as_config(kind, each):
    """The config that train.py makes of a experiment."""
    from absl import flags

    from pgtf.cli import command_line

    values = flags.FlagValues()
    command_line.define(values)
    values(["train", *(f"--{name}={value}" for name, value in each.flags), f"--tasks={','.join(each.tasks)}"])
    return kind.from_flat(command_line._parsed(values))


if __name__ == "__main__":
    absltest.main()

"""Pieces, and what is kept of them."""

import dataclasses
import json

from absl.testing import absltest, parameterized

from pgtf import files
from pgtf.reproduction.pieces import piece, with_bases
from pgtf.reproduction.presets import PRESETS
from pgtf.reproduction.results import Results
from pgtf.reproduction.tables import distance, later_distance, later_figure, later_share, tables
from tests.reproduction.made import TASKS, finished_run

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
        self.assertEqual((PIECE.learnt, BASE.learnt), (("maps", "shoes"), ("facades",)))


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

    @parameterized.parameters("{", "[]", '{"piece": {}}')
    def test_a_damaged_file_is_told(self, text):
        with open(self.results.path(PIECE), "w", encoding="utf-8") as file:
            file.write(text)
        if text == '{"piece": {}}':
            self.assertIsNone(self.results.read(PIECE))
            return
        with self.assertRaisesRegex(ValueError, "must be as it was written.*Received"):
            self.results.read(PIECE)


class TablesTest(parameterized.TestCase):
    @parameterized.parameters(*PRESETS)
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

    from pgtf import command_line

    values = flags.FlagValues()
    command_line.define(values)
    values(["train", *(f"--{name}={value}" for name, value in each.flags), f"--tasks={','.join(each.tasks)}"])
    return kind.from_flat(command_line._parsed(values))


if __name__ == "__main__":
    absltest.main()

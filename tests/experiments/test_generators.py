"""The tables of generated images: `pgtf train` takes their flags, and domains start from one or are learned jointly."""

from absl.testing import absltest, parameterized

from pgtf.cli.command_line import _check_use
from pgtf.config import Config, flagfile
from pgtf.experiments.paper import generators
from pgtf.experiments.paper.experiment import with_bases
from pgtf.experiments.paper.presets import PRESETS

MINI = PRESETS["mini"]


def experiments(table):
    return [one for row in table.rows for one in row.experiments]


def given(one):
    return [f"--{name}={value}" for name, value in one.flags] + [f"--tasks={','.join(one.tasks)}"]


class TablesTest(parameterized.TestCase):
    @parameterized.product(drawn=(True, False), preset=("mini", "paper"))
    def test_train_takes_their_flags(self, drawn, preset):
        for table in generators.tables(PRESETS[preset], (0,), drawn).values():
            for one in with_bases(experiments(table)):
                flags = flagfile.parsed(given(one))
                _check_use(Config.from_flat(flags), flags, {name for name, _ in one.flags})

    def test_domains_are_learned_after_one_first_or_all_at_once(self):
        made = generators.tables(MINI, (0, 1), False)
        self.assertLen({one.base for one in experiments(made["width-1"])}, 2)  # One for each seed.
        self.assertEqual({one.base for one in experiments(made["width-2"])}, {None})
        self.assertEqual({dict(one.flags)["schedule"] for one in experiments(made["width-2"])}, {"together"})
        for one in experiments(made["width-1"]):
            self.assertEqual((one.split, one.base.split), ("train", "train"))
            self.assertEqual((one.learned, one.base.learned), (("cats", "flowers"), ("faces",)))

    def test_rows_are_compared_on_later_domains_and_on_all_of_joint_training(self):
        made = generators.tables(MINI, (0,), False)
        self.assertEqual({one.compared for one in experiments(made["width-1"])}, {("cats", "flowers")})
        self.assertEqual({one.compared for one in experiments(made["width-2"])}, {("faces", "cats", "flowers")})
        for table in made.values():
            self.assertIn(table.reference, [row.title for row in table.rows])

    def test_other_presets_have_none(self):
        self.assertEmpty(generators.tables(PRESETS["fair"], (0,), True))


if __name__ == "__main__":
    absltest.main()

"""PAE: CPG without picking. More of phases, goal and growth is in test_cpg.py."""

import dataclasses

import numpy as np
import tensorflow as tf

from pgtf.methods import Cpg, Pae
from pgtf.recipes import Expanded
from tests.methods.test_cpg import Scripted, network


class PaeTest(tf.test.TestCase):
    def test_its_settings_are_those_of_cpg_but_for_picking(self):
        names, all_names = ({field.name for field in dataclasses.fields(kind)} for kind in (Pae, Cpg))
        self.assertEqual(all_names - names, {"mask_learning_rate"})
        self.assertEqual(Pae().ratio(2, 4), Cpg().ratio(2, 4))

    def test_pruned_while_the_goal_holds(self):
        model, recipe = network(Expanded())
        context = Scripted(0.2, 0.3, 0.31)
        for phase in Pae(most_pruned=0.8, rounds=2, tolerance=0.5).phases(100, context)[1:]:
            phase.begin({"forward": model})
        # The second round, to 80 %, missed 1.5 × 0.2.
        self.assertEqual(np.count_nonzero(recipe.kernel()), 30)


if __name__ == "__main__":
    tf.test.main()

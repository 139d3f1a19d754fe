"""A batch split over two devices is learnt from as on one; what can't be split is refused."""

import json

from absl.testing import absltest, parameterized

from pgtf.config import Config
from pgtf.runs.devices import check_batch, strategy
from tests.processes import Fork
from tests.runs import two_devices


class TwoDevicesTest(absltest.TestCase):
    def test_updates_averages_losses_pools_dropout_and_a_run_are_those_of_one_device(self):
        steps = Fork(two_devices.main)
        said, errors = steps.communicate()
        self.assertEqual(steps.returncode, 0, errors)
        apart = json.loads(said.splitlines()[-1])
        self.assertEqual(set(apart), {"pix2pix", "cyclegan", "run"})
        for case, distance in apart.items():
            self.assertLess(distance, 1e-5, case)


class RefusalsTest(parameterized.TestCase):
    @parameterized.parameters(
        (dict(batch_size=1), 2, "1 images for 2 × 1, cityscapes"),
        (dict(batch_size=6), 4, "6 images for 4 × 1, cityscapes"),
        (dict(batch_size=8, accumulate=4), 4, "8 images for 4 × 4, cityscapes"),
        (dict(batch_size=4, override=("maps:batch_size=2",)), 4, "2 images for 4 × 1, maps"),
    )
    def test_a_batch_that_does_not_split(self, settings, replicas, received):
        with self.assertRaisesRegex(ValueError, f"multiple of replicas × --accumulate. Received: {received}"):
            check_batch(Config(**settings), replicas)

    def test_one_that_does(self):
        check_batch(Config(batch_size=8, accumulate=2, override=("maps:batch_size=4,accumulate=1",)), 4)

    def test_mirrored_on_one_device(self):
        with self.assertRaisesRegex(ValueError, "needs two devices or more.* Received: .*device"):
            strategy("mirrored")


if __name__ == "__main__":
    absltest.main()

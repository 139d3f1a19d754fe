"""A batch split over two devices is learnt from as on one; what can't be split is refused."""

import json

import pytest
from absl.testing import absltest, parameterized

from pgtf.distribution.strategy import check_batch, strategy
from tests.distribution import two_devices
from tests.processes import Fork


class TwoDevicesTest(absltest.TestCase):
    def test_updates_averages_losses_pools_and_dropout_are_those_of_one_device(self):
        self.compare(two_devices.steps, {"pix2pix", "cyclegan"})

    @pytest.mark.long
    def test_learned_tasks_are_those_of_one_device(self):
        self.compare(two_devices.runs, {"run", "classes", "faces", "together"})

    def compare(self, function, cases):
        process = Fork(function)
        said, errors = process.communicate()
        self.assertEqual(process.returncode, 0, errors)
        apart = json.loads(said.splitlines()[-1])
        self.assertEqual(set(apart), cases)
        for case, distance in apart.items():
            self.assertLess(distance, 1e-5, case)


class RefusalsTest(parameterized.TestCase):
    @parameterized.parameters(
        (1, 1, 2, "--batch_size=1 of maps, 2 replicas × --accumulate=1"),
        (6, 1, 4, "--batch_size=6 of maps, 4 replicas × --accumulate=1"),
        (8, 4, 4, "--batch_size=8 of maps, 4 replicas × --accumulate=4"),
    )
    def test_a_batch_that_does_not_split(self, batch_size, accumulate, replicas, received):
        with self.assertRaisesRegex(ValueError, f"multiple of replicas × --accumulate. Received: {received}"):
            check_batch("maps", batch_size, accumulate, replicas)

    def test_one_that_does(self):
        check_batch("maps", 8, 2, 4)

    def test_mirrored_on_one_device(self):
        with self.assertRaisesRegex(ValueError, "needs at least two devices.* Received: .*device"):
            strategy("mirrored")


if __name__ == "__main__":
    absltest.main()

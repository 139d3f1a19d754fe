"""When the report is written during training."""

import unittest
from unittest import mock

from pgtf.report import observer


class ObserverTest(unittest.TestCase):
    def test_samples_take_a_small_share_of_the_time(self):
        now = iter([0, 1, 49, 50, 54, 249, 250, 251])  # Begins and ends of writing, and times when it is not yet due.
        with (
            mock.patch.object(observer, "update_report") as update,
            mock.patch.object(observer.time, "monotonic", now.__next__),
        ):
            watching, written = observer.ReportObserver(), []
            for _ in range(5):
                watching.on_samples("run")
                written.append(update.call_count)
        self.assertEqual(written, [1, 1, 2, 2, 3])


if __name__ == "__main__":
    unittest.main()

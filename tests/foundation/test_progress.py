"""The line of progress, with a terminal and without one."""

import io

from absl.testing import absltest, parameterized

from pgtf.foundation.progress import Bar, clock
from tests.terminal import Terminal


class ProgressTest(parameterized.TestCase):
    @parameterized.parameters((0.4, "0:00"), (59.6, "1:00"), (245, "4:05"), (3723, "1:02:03"), (float("inf"), "?"))
    def test_clock(self, seconds, text):
        self.assertEqual(clock(seconds), text)

    def test_plain_lines_come_now_and_then_and_at_the_end(self):
        out = io.StringIO()
        bar = Bar("maps", 40, "images", out=out)
        for done in (1, 2):
            bar.show(done)
        bar.say("left out: x")
        bar.begun -= 7  # As if two had taken 7 seconds, and the last line were long ago.
        bar.shown -= 31
        bar.show(2, "loss 3")
        bar.show(40)
        lines = out.getvalue().splitlines()
        self.assertEqual(lines[0], "left out: x")
        self.assertEqual(lines[1], "maps  2/40  0.29 images/s  2:13 left  loss 3")
        self.assertStartsWith(lines[2], "maps  40/40  ")
        self.assertLen(lines, 3)

    def test_a_plain_line_comes_at_each_quarter(self):
        out = io.StringIO()
        bar = Bar("maps", 10, "images", done=2, out=out)
        for done in range(3, 11):
            bar.show(done)
        self.assertEqual([line.split()[1] for line in out.getvalue().splitlines()], ["3/10", "5/10", "8/10", "10/10"])

    def test_speed_counts_only_what_was_done_here(self):
        out = io.StringIO()
        bar = Bar("maps", 100, "steps", done=90, out=out)
        bar.begun -= 5
        bar.show(100)
        self.assertStartsWith(out.getvalue(), "maps  100/100  2.0 steps/s  0:00 left")

    def test_work_of_a_moment_is_not_told_of(self):
        out = io.StringIO()
        bar = Bar("maps", 2, "images", out=out, silent=5)
        bar.shown -= 31
        bar.show(1)
        self.assertEqual((out.getvalue(), bar.done), ("", 1))
        bar.begun -= 5
        bar.show(2)
        self.assertStartsWith(out.getvalue(), "maps  2/2  0.4 images/s")

    def test_a_terminal_has_one_line_that_renews_itself(self):
        with Terminal() as terminal:
            bar = Bar("maps", 2, "images", out=terminal.out)
            bar.shown -= 1
            bar.show(1)
            bar.say("left out: x")
            bar.show(2)
        first, last = terminal.text.split("left out: x\r\n")
        self.assertIn("██████████·········· maps  1/2", first)
        self.assertNotIn("\n", first)
        self.assertIn("\r████████████████████ maps  2/2", last)
        self.assertEqual(terminal.text.count("\n"), 2)


if __name__ == "__main__":
    absltest.main()

"""Timing of the sides of a comparison."""

from absl.testing import absltest

from pgtf.experiments.speed.timing import by_turns, compared


class TimingTest(absltest.TestCase):
    def test_sides_take_turns_and_warm_up_rounds_do_not_count(self):
        now, called = [0.0], []

        def side(name, seconds):
            def call():
                called.append(name)
                now[0] += seconds.pop(0)

            return call

        sides = {"a": side("a", [9.0, 1.0, 2.0]), "b": side("b", [7.0, 4.0, 4.0])}
        times = by_turns(sides, 2, lambda: now[0], warm_up=1)
        self.assertEqual(called, ["a", "b", "b", "a", "a", "b"])
        self.assertEqual(times, {"a": [1.0, 2.0], "b": [4.0, 4.0]})
        self.assertEqual(
            compared(times, "a"), {"a": {"seconds": 1.5, "ratio": 1.0}, "b": {"seconds": 4.0, "ratio": 3.0}}
        )


if __name__ == "__main__":
    absltest.main()

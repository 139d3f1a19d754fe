"""`pgtf bench` measures each thing in a process of its own."""

import pathlib
import shlex
import subprocess
import sys

from absl.testing import absltest

from tests.processes import Script

ROOT = pathlib.Path(__file__).parents[2]


def told_instead_of_run():
    """Processes are told, and fail."""

    def run(command, **_):
        print(shlex.join(command))
        return subprocess.CompletedProcess(command, 1)

    subprocess.run = run


class BenchTest(absltest.TestCase):
    def test_a_measurement_is_a_process_of_pgtf(self):
        folder = self.create_tempdir().full_path
        flags = f"--results={folder}", "--bench_networks=", "--bench_rounds=1", "--image_size=32"
        process = Script(ROOT / "scripts" / "bench.py", *flags, before=told_instead_of_run)
        said, errors = process.communicate(timeout=60)
        piece, command = said.splitlines()
        self.assertEqual(shlex.split(command), [sys.executable, "-m", "pgtf", "bench", *flags, f"--piece={piece}"])
        self.assertIn("A measurement failed. Received: exit status 1 of", errors)


if __name__ == "__main__":
    absltest.main()

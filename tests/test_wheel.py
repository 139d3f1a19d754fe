"""A wheel installs in a clean environment and runs in an empty folder.

Takes minutes and a package registry, so `make test` leaves it out: `python -m pytest -m slow`.
"""

import os
import pathlib
import subprocess
import sys
import tarfile
import venv

import pytest
from absl.testing import absltest

ROOT = pathlib.Path(__file__).parent.parent
CONSTRAINTS = ROOT / ("constraints.txt" if sys.version_info < (3, 12) else "constraints-current.txt")


@pytest.mark.slow
class WheelTest(absltest.TestCase):
    def run_in(self, folder, *command):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_demo_runs_from_a_wheel_in_an_empty_folder(self):
        folder = pathlib.Path(self.create_tempdir().full_path)
        empty, dist, scripts = folder / "empty", folder / "dist", folder / "venv" / "bin"
        empty.mkdir()
        venv.create(folder / "venv", with_pip=True)
        pip = scripts / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"
        self.run_in(ROOT, *pip, "build")
        self.run_in(ROOT, scripts / "python", "-m", "build", "--outdir", dist)
        (source,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
        with tarfile.open(source) as archive:
            self.assertIn(f"{source.name[:-7]}/pgtf/flags/demo.cfg", archive.getnames())
        self.run_in(empty, *pip, "-c", CONSTRAINTS, wheel)
        sample = "samples/drawn.safetensors", "facades", "samples/facade.png"
        self.run_in(empty, scripts / "pgtf", "translate", *sample, "-o", "house.png")
        self.run_in(empty, scripts / "pgtf", "demo", "--steps=20")
        self.assertTrue((empty / "runs" / "demo" / "report" / "index.html").exists())
        self.run_in(empty, scripts / "pgtf", "verify", "runs/demo")


if __name__ == "__main__":
    absltest.main()

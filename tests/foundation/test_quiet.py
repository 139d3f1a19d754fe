"""Notes of TensorFlow's C++ code are dropped from standard error; all else is passed on."""

import subprocess
import sys

from absl.testing import absltest

SCRIPT = r"""
import os
from pgtf.foundation.quiet import _without_notes
try:
    with _without_notes():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        os.write(2, b"I0000 00:00:1796034726.562585   20801 cudart_stub.cc:31] Could not find cuda drivers.\n")
        os.write(2, b"E0000 00:00:1796034726.562585   20801 cuda_dnn.cc:31] An error.\n")
        os.write(2, b"It is on.\n")
        raise SystemExit(3)
finally:
    os.write(2, b"after")
"""


class QuietTest(absltest.TestCase):
    def test_only_notes_are_dropped(self):
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"^E0000 .*An error\.\nIt is on\.\nafter$")

    def test_standard_error_may_be_closed(self):
        script = (
            "import os; os.close(2)\nfrom pgtf.foundation.quiet import _without_notes\nwith _without_notes(): print(1)"
        )
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.stdout, "1\n")


if __name__ == "__main__":
    absltest.main()

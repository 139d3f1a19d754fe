"""Messages of pgtf: none from Python, plain lines from the command line."""

import contextlib
import io
import logging
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

from pgtf.cli.messages import Lines, show_messages
from pgtf.foundation.logger import LOG, silenced


class LoggerTest(absltest.TestCase):
    def test_python_hears_nothing(self):
        code = "from pgtf.foundation.logger import LOG; LOG.info('a'); LOG.warning('b')"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_the_command_line_prints_plain_lines_once(self):
        printed = io.StringIO()
        with mock.patch.multiple(LOG, handlers=[], level=logging.NOTSET), contextlib.redirect_stdout(printed):
            show_messages()
            show_messages()
            LOG.info("\nmaps: 3 of 4")
            LOG.debug("unseen")
            LOG.warning("large")
            with silenced():
                LOG.info("unseen")
                LOG.warning("unseen")
            LOG.info("end")
        self.assertEqual(printed.getvalue(), "\nmaps: 3 of 4\nwarning: large\nend\n")

    def test_a_message_goes_to_the_stream_of_its_moment(self):
        first, second = io.StringIO(), io.StringIO()
        handler = Lines()
        for stream in (first, second):
            with contextlib.redirect_stdout(stream):
                handler.emit(logging.makeLogRecord({"msg": "hello", "levelno": logging.INFO}))
        self.assertEqual((first.getvalue(), second.getvalue()), ("hello\n", "hello\n"))


if __name__ == "__main__":
    absltest.main()

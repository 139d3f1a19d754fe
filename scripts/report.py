#!/usr/bin/env python3
"""The same as `pgtf report`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("report", sys.argv[1:])

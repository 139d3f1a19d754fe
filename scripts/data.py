#!/usr/bin/env python3
"""The same as `pgtf data`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("data", sys.argv[1:])

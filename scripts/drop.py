#!/usr/bin/env python3
"""The same as `pgtf drop`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("drop", sys.argv[1:])

#!/usr/bin/env python3
"""The same as `pgtf bench`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("bench", sys.argv[1:])

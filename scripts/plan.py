#!/usr/bin/env python3
"""The same as `pgtf plan`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("plan", sys.argv[1:])

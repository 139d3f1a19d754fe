#!/usr/bin/env python3
"""The same as `pgtf studio`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("studio", sys.argv[1:])

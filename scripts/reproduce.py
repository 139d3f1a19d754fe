#!/usr/bin/env python3
"""The same as `pgtf reproduce`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("reproduce", sys.argv[1:])

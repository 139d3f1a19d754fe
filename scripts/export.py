#!/usr/bin/env python3
"""The same as `pgtf export`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("export", sys.argv[1:])

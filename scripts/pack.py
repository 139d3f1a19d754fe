#!/usr/bin/env python3
"""The same as `pgtf pack`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("pack", sys.argv[1:])

#!/usr/bin/env python3
"""The same as `pgtf evaluate`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("evaluate", sys.argv[1:])

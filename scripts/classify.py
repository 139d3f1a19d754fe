#!/usr/bin/env python3
"""The same as `pgtf classify`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("classify", sys.argv[1:])

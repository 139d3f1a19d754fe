#!/usr/bin/env python3
"""The same as `pgtf translate`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("translate", sys.argv[1:])

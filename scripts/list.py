#!/usr/bin/env python3
"""The same as `pgtf list`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("list", sys.argv[1:])

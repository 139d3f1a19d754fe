#!/usr/bin/env python3
"""The same as `pgtf train`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("train", sys.argv[1:])

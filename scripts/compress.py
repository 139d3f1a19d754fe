#!/usr/bin/env python3
"""The same as `pgtf compress`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("compress", sys.argv[1:])

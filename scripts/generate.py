#!/usr/bin/env python3
"""The same as `pgtf generate`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("generate", sys.argv[1:])

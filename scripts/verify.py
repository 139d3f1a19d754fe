#!/usr/bin/env python3
"""The same as `pgtf verify`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("verify", sys.argv[1:])

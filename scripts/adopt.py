#!/usr/bin/env python3
"""The same as `pgtf adopt`."""

import sys

from pgtf.cli.main import run

if __name__ == "__main__":
    run("adopt", sys.argv[1:])

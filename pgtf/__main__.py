"""`python -m pgtf` is the same as `pgtf`."""

from pgtf.cli.main import main

if __name__ == "__main__":
    main()

"""Attacks pgtf at random: broken images of any channels and depth, slices, figures and other files of runs, odd flags,
names, data folders and archives, streams, adopting and dropping amid foreign files and links, requests to the studio,
killed processes.

    python -m tests.fuzz --minutes=60 --seed=1                   all kinds, each with its share of the time
    python -m tests.fuzz --minutes=60 --seed=1 --only=images,slices
    python -m tests.fuzz --seed=1 --kind=images --case=123       one case again

Exits with 1 where something was found; it is told with the command that does it again, and its files are kept.
"""

import argparse
import signal
import sys

from tests.fuzz.kinds import KINDS
from tests.fuzz.loop import Loop


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: %(default)g)")
    parser.add_argument("--seed", type=int, default=0, help="all cases follow from it (default: %(default)d)")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas between (default: %(default)s)")
    parser.add_argument("--findings", type=int, default=1, help="how many end it (default: %(default)d)")
    parser.add_argument("--kind", choices=KINDS, help="of the one case to do again")
    parser.add_argument("--case", type=int, default=0, help="its number")
    asked = parser.parse_args()
    names = [asked.kind] if asked.kind else asked.only.split(",")
    if not set(names) <= set(KINDS):
        parser.error(f"--only takes {', '.join(KINDS)}. Received: {asked.only}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    loop = Loop({name: KINDS[name] for name in names}, asked.seed, asked.findings)
    try:
        whole = loop.replay(asked.kind, asked.case) if asked.kind else loop.run(60 * asked.minutes)
    except KeyboardInterrupt:
        whole = not loop.found
    finally:
        loop.end()
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())

"""Reports: what a run did, as one page to look at. Plain data in, HTML out; no run directory is read here."""

"""The studio: a page on this machine on which to try a run."""

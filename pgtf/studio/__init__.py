"""The studio: a web page served on this machine for trying the tasks of a run."""

"""The version of pgtf."""

__version__ = "0.1.0"

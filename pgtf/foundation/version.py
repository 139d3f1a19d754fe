"""The version of pgtf."""

__version__ = "0.2.0"

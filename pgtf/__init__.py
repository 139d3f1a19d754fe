"""pgtf: many image-to-image translations from one network."""

__version__ = "0.1.0"

"""Serving: learnt tasks translate images, and are exported as files that need no pgtf."""

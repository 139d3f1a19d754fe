"""Foundation: what every room uses and that needs nothing of pgtf: settings, files, seeds, progress."""

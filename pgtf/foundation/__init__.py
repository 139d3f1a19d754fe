"""Foundation: settings, files, seeds and progress, used by all other packages; imports nothing of pgtf."""

"""Assembly: objects built from settings and stored tasks."""

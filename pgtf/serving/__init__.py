"""Image translation with learned tasks, and exports that run without pgtf."""

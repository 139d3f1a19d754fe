"""Data: finds or draws a task's images, reads them, and streams batches."""

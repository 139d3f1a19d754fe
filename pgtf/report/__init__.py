"""Reports of runs, as self-contained HTML pages and TensorBoard summaries."""

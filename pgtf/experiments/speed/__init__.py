"""Speed benchmarks, their page and their plot."""

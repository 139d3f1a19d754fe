"""The paper's tables and figures, redone: the runs that they need, what is kept of those, and the page."""

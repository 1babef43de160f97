"""One lock for every machine: a project's torch groups, how they are chosen, written and installed."""

"""Those who watch the node: log lines, counters, traces. Implementations of ``ports/observing``."""

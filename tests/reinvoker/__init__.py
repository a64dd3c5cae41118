"""The re-invoker: its records, its decisions, and the proof of its promise."""

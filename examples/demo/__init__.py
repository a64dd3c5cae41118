"""The demo: a queue of orders, everything that can go wrong, and a ledger. ``make demo`` at the project's root."""

"""A simulator of Lambda's delivery: every event source, in virtual time, with everything that can go wrong."""

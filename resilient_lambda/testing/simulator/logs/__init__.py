"""Streams and topics: what is read in order, and again from a checkpoint."""

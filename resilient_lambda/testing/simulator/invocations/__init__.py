"""Invocations without an event source mapping: asynchronous ones, their destinations, and callers that wait."""

"""Queues: SQS's own rules, and those of Lambda's event source mapping."""

"""Handlers run as Lambda runs them: under AWS's own runtime client, in a process of their own that can be killed."""

"""
The library's promise, proven by chance: random schedules of the delivery simulator, and a judge of what came of them.

`make prove` plays 50,000 of each source; ``python -m tests.proof sqs:1234`` plays one again and shows it.
"""

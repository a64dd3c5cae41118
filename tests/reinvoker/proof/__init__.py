"""
The proof of the re-invoker: random schedules on the simulator, and a judge of what came of them.

``python -m tests.reinvoker.proof 2000`` plays more of them, ``python -m tests.reinvoker.proof :17`` one.
"""

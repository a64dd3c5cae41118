"""Handlers behind the queues of an emulator of AWS: deliveries, receives and dead letters are its own."""

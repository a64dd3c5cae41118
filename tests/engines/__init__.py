"""The real parts that tests run against, started on 127.0.0.1 and stopped by their process id."""

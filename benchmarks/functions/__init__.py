"""Lambda functions as users write them, imported in fresh interpreters by `benchmarks.cold`."""

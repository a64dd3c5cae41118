"""What policies may do to the world. See `base.Io`."""

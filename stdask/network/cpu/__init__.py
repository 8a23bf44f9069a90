"""The compiled engine that runs networks on a processor."""

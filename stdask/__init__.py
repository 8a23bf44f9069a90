"""Put one spectroscopic survey on another survey's scale, for catalogues of any size."""

__version__ = "0.7.0"

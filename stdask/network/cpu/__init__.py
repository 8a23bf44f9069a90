"""Plans on the processor: the compiled kernel, the program of a plan, the engine that runs it."""

from stdask.network.cpu.compiling import compiling

with compiling():  # numba decides when a function is decorated
    from stdask.network.cpu import bumps, engine  # noqa: F401

"""The story that `closedwon demo` tells, from won deals to a proof, on the simulator and on virtual time."""

from sync.demo.story import run_demo

__all__ = ["run_demo"]

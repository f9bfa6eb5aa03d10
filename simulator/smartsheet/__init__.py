"""Smartsheet, simulated: `Smartsheet(world)` is the vendor that `simulator.server` serves."""

from simulator.smartsheet.vendor import TOKEN, Smartsheet

__all__ = ["TOKEN", "Smartsheet"]

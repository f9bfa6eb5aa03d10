"""The webhook receiver: what vendors tell is on disk before they hear that we have it, and then becomes work."""

from sync.hooks import address, hearing
from sync.receiver.door import MAX_BODY, Door, Tallies, doors_of
from sync.receiver.server import Receiver
from sync.receiver.working import Hands

__all__ = ["MAX_BODY", "Door", "Hands", "Receiver", "Tallies", "address", "doors_of", "hearing"]

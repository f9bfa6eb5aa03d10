"""Notices to people: decided in `sync.core.notices`, sent here through apprise, each once."""

from sync.notices.post import Channel, Post
from sync.notices.rounds import Quiet, Round, Sent

__all__ = ["Channel", "Post", "Quiet", "Round", "Sent"]

"""Notices to people: decided in `sync.core.notices`, sent here through apprise, each once."""

from sync.notices.office import Office
from sync.notices.post import BadChannel, Channel, Post
from sync.notices.quality import Gates
from sync.notices.rounds import Quiet, Round, Sent
from sync.notices.standings import Standings

__all__ = ["BadChannel", "Channel", "Gates", "Office", "Post", "Quiet", "Round", "Sent", "Standings"]

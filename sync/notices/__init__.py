"""Notices to people: decided in `sync.core.notices`, sent here through apprise, each once by each channel.

Nothing is imported here: who only asks how channels do (`sync.notices.pauses`) does not load apprise.
"""

"""What must outlive a process, on SQLite or PostgreSQL; `Store.open` is the way in."""

from sync.store.database import StoreUnavailable
from sync.store.migrate import StoreTooNew
from sync.store.store import Store

__all__ = ["Store", "StoreTooNew", "StoreUnavailable"]

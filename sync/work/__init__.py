"""Work unattended: dirty onboardings, urgent ones first, go through the engine until the process is told to stop."""

from sync.work.gate import Gate
from sync.work.worker import Worker, WorkerSettings

__all__ = ["Gate", "Worker", "WorkerSettings"]

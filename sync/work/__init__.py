"""Work unattended: dirty onboardings, urgent ones first, go through the engine until the process is told to stop."""

from sync.work.gate import Gate
from sync.work.postgres import NoJobs
from sync.work.runner import Alone, Runner, ring_once, runner_for
from sync.work.worker import Worker, WorkerSettings

__all__ = ["Alone", "Gate", "NoJobs", "Runner", "Worker", "WorkerSettings", "ring_once", "runner_for"]

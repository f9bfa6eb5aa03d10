"""How many signed webhooks a second the receiver keeps, how fast it answers, and what kill -9 in the middle loses.

    .venv/bin/python bench/receiver_load.py [--seconds 30] [--rate 600] [--connections 32] [--no-kill]

A real `closedwon receiver` in a process of its own, Jira's events from here, at a fixed rate. What was acknowledged is
looked for in the store afterwards. The last line is JSON; `rps` counts the seconds that the receiver was up.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from sync.demo.stage import configuration

PATH = "load-0123456789-0123456789"
SECRET = b"load-secret"
NOBODY = dict.fromkeys(("salesforce", "jira", "smartsheet"), "http://127.0.0.1:9")
"""No vendor is asked: the events are about issues of other people's."""


@dataclass
class Result:
    acknowledged: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    down: float = 0.0
    kills: int = 0


class Served:
    """The receiver's process; `port` is kept when it is started again."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.port = 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "sync.cli", "receiver", "--json", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--config", str(self.config)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        url = json.loads(self.process.stdout.readline())["url"]
        self.port = int(url.rpartition(":")[2])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(timeout=15)
        finally:
            self.process.kill()


def request(number: int) -> tuple[str, bytes]:
    """One event of Jira's, of the size that they have, and its identifier."""
    identifier = f"load-{number:08d}"
    told = {"timestamp": int(time.time() * 1000), "webhookEvent": "jira:issue_updated", "issue": {"id": str(number)}}
    body = json.dumps({**told, "changelog": {"items": [{"field": "status", "text": "x" * 50}] * 30}}).encode()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    head = (
        f"POST /hooks/tracker/{PATH} HTTP/1.1\r\nHost: hooks\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Hub-Signature: sha256={signature}\r\n"
        f"X-Atlassian-Webhook-Identifier: {identifier}\r\n\r\n"
    )
    return identifier, head.encode() + body


class Load:
    """Connections that send at a fixed rate in all; a slot that is missed while the receiver is down is not made up."""

    def __init__(self, served: Served, rate: float, seconds: float) -> None:
        self.served = served
        self.gap = 1 / rate
        self.slot = time.perf_counter()
        self.end = self.slot + seconds
        self.number = 0
        self.result = Result()

    async def run(self, connections: int, kill_at: float | None) -> None:
        tasks = [asyncio.create_task(self.send()) for _ in range(connections)]
        if kill_at is not None:
            await asyncio.sleep(kill_at)
            began = time.perf_counter()
            self.served.kill()
            await asyncio.to_thread(self.served.start)
            self.result.down += time.perf_counter() - began
            self.result.kills += 1
        await asyncio.gather(*tasks)

    async def send(self) -> None:
        while time.perf_counter() < self.end:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.served.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            try:
                while await self.turn():
                    await self.deliver(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass  # killed before it acknowledged: the vendor would send it again
            finally:
                writer.close()

    async def turn(self) -> bool:
        now = time.perf_counter()
        self.slot = max(self.slot + self.gap, now - 0.05)
        await asyncio.sleep(max(0.0, self.slot - now))
        return time.perf_counter() < self.end

    async def deliver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number += 1
        identifier, data = request(self.number)
        began = time.perf_counter()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200"):
            self.result.acknowledged.add(identifier)
            self.result.seconds.append(time.perf_counter() - began)
        else:
            self.result.refused += 1


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--seconds", type=float, default=30)
    given.add_argument("--rate", type=float, default=600)
    given.add_argument("--connections", type=int, default=32)
    given.add_argument("--no-kill", action="store_true")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "closedwon.db"
        config = Path(name) / "config.yaml"
        hears = {"hook_path": PATH, "hook_secret": SECRET.decode()}
        with config.open("w", encoding="utf-8") as file:
            YAML().dump(configuration(NOBODY, f"sqlite:///{store}", tracker=hears), file)
        served = Served(config)
        try:
            load = Load(served, asked.rate, asked.seconds)
            asyncio.run(load.run(asked.connections, None if asked.no_kill else asked.seconds / 2))
        finally:
            code = served.end()
        show(load.result, asked.seconds, store, code)


def show(result: Result, seconds: float, store: Path, code: int) -> None:
    with sqlite3.connect(store) as database:
        persisted = {row[0] for row in database.execute("SELECT event_id FROM inbox WHERE connection = 'tracker'")}
    times = sorted(result.seconds)
    print(
        json.dumps(
            {
                "acknowledged": len(result.acknowledged),
                "persisted": len(persisted),
                "lost": len(result.acknowledged - persisted),
                "rps": round(len(result.acknowledged) / (seconds - result.down), 1),
                "p50_ms": round(1000 * times[len(times) // 2], 1),
                "p99_ms": round(1000 * times[int(len(times) * 0.99)], 1),
                "refused": result.refused,
                "kills": result.kills,
                "down_s": round(result.down, 2),
                "exit": code,
            }
        )
    )


if __name__ == "__main__":
    main()

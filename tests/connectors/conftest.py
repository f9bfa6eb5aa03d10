"""Peers on loopback for the tests of the shared transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from peer import Peer, Script


@pytest.fixture
def peers() -> Iterator[Callable[..., Peer]]:
    opened: list[Peer] = []

    def make(*scripts: Script, **parts: Any) -> Peer:
        opened.append(Peer(**({"scripts": list(scripts)} if scripts else {}), **parts))
        return opened[-1]

    yield make
    for peer in opened:
        peer.close()


@pytest.fixture
def peer(peers: Callable[..., Peer]) -> Peer:
    made: Peer = peers()
    return made

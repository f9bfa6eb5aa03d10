"""A worker that claims all it can get, few at a time, and writes the keys. Run twice at once by test_store_durability."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from sync.store import Store


def main(url: str, owner: str) -> None:
    """Claim until nothing is left."""
    store = Store.open(url, clock=lambda: datetime.now(UTC))
    claims = store.claim(owner, limit=1, lease_seconds=3600)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while claims:
        sys.stdout.writelines(f"{claim.key}\n" for claim in claims)
        claims = store.claim(owner, limit=2, lease_seconds=3600)


if __name__ == "__main__":
    main(*sys.argv[1:])

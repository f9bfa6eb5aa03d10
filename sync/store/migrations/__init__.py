"""The tables' migrations; `sync.store.migrate` runs them."""

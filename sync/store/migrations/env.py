"""Alembic's entry: runs the migrations in the transaction that `sync.store.migrate` hands in."""

from alembic import context

from sync.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

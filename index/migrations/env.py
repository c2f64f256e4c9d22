"""Alembic's entry: runs the migrations on the connection that `index.database` hands over.

There is no alembic.ini. The caller holds the write transaction, so two processes that open a new
store at the same time migrate it once.
"""

from alembic import context

from index.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

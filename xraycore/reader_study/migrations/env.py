"""Runs the migrations on the connection, and in the transaction, of `database._upgrade`."""

from alembic import context

from xraycore.reader_study.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

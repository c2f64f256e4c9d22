"""The schema's history: numbered Alembic migrations, run when `index.database` opens a store."""

"""Engine, driver, migrations and the meaning of PostgreSQL's errors. `app.core.database` is the entry point."""

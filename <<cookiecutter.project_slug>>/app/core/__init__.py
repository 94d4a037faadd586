"""What every layer uses: settings, the database, problems, security."""

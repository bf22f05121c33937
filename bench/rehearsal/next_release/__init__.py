"""Nothing but its migrations: they expand a table, as those of a next release may while the old one works."""

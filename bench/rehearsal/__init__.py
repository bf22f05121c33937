"""A cut-over rehearsed: a validation runs while everything is restarted and migrated under load."""

"""The pages about an organization's people and keys, for its admins."""

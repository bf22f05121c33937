"""The pages about an organization's people, keys, rules and access, for its admins."""

"""The way from Phase 2: its tables are read, taken over, and held against what is here. docs/migration.md."""

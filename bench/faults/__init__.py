"""What the product is to survive, done to it for real: see docs/reliability.md."""

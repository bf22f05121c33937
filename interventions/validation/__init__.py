"""A long watch over a working installation: probes through its front door, its invariants, and what both say of the
promise in docs/sla.md."""

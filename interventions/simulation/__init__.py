"""A company's agents, as programs outside Chameleon: they know its REST API and nothing of its inside."""

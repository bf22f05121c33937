"""How the accounts of providers meet our pilots."""

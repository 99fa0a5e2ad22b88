"""The engine: what is due is claimed, polled and carried out, and the ledger remembers it."""

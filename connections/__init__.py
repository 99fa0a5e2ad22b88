"""Talking to vendors: what an operation is, and how it is carried out over HTTP."""

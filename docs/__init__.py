"""The documentation, and what writes its generated parts: `python -m docs.generate`."""

from __future__ import annotations

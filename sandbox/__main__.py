"""`python -m sandbox`: the simulated vendors as a process."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from sandbox.journal import UnreadableState
from sandbox.server import serve


def main() -> None:
    """Reads the arguments and serves."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Stateful simulators of HighLevel and others."
    )
    parser.add_argument("--port", type=int, default=8766, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, help="JSON file in which the state is kept")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin is closed")
    asked = parser.parse_args()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            serve(asked.port, asked.state, asked.with_parent)
    except (OSError, UnreadableState) as exc:
        parser.exit(1, f"sandbox: {exc}\n")


if __name__ == "__main__":
    main()

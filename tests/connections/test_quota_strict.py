from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("precedence", ["action", "poll"])
async def test_a_strict_vendor_never_refuses_and_is_used_to_the_brim(precedence: str, valkey_url: str) -> None:
    """The soak of the benchmarks, shorter; `valkey_url` is asked for so that a missing Valkey skips here, or fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.quota_soak",
        *("--processes", "4", "--seconds", "33", "--precedence", precedence, "--json"),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    found = json.loads(out)
    assert found["refused"] == 0
    assert found["other"] == {}
    assert found["used"] >= 0.95
    assert found["done"] >= 290, "three windows at least, however slowly the processes start"
    assert found["least"] >= 20, "nobody starves"
    assert process.returncode == 0

"""How long the machines run: seconds, or with `HYPOTHESIS_PROFILE=slow` as long as it takes to find the rare."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much)
settings.register_profile(
    "quick",
    deadline=None,
    max_examples=60,
    stateful_step_count=40,
    derandomize="CI" in os.environ,
    suppress_health_check=QUIET,
)
settings.register_profile(
    "slow", deadline=None, max_examples=5_000, stateful_step_count=50, suppress_health_check=QUIET
)

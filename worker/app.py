"""The application that `celery -A worker.app` finds; the only place that reads the environment when imported."""

from __future__ import annotations

import os

from worker.factory import make_app
from worker.logs import configure

app = make_app(os.environ)
configure(app.desk.mask)  # type: ignore[attr-defined]  # the application's own

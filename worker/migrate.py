"""`python -m worker.migrate` brings the database to the newest schema, and ends: one job before the engine starts."""

from __future__ import annotations

import os
import sys

from sqlalchemy.exc import SQLAlchemyError

from config.problems import ConfigError
from config.settings import read_settings
from worker.ledger.database import migrate
from worker.place import place_of

if __name__ == "__main__":
    try:
        migrate(place_of(read_settings(os.environ)).database_url)
    except (ConfigError, SQLAlchemyError) as error:
        sys.exit(f"hightide cannot migrate: {error}")

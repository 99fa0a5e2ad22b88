from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

REPOSITORY = Path(__file__).parents[2]

KILLED = """
from __future__ import annotations

import os
import signal

from redis import Redis


def test_dies(valkey_url: str, _postgres_server: str) -> None:
    import psycopg

    with Redis.from_url(valkey_url) as redis, psycopg.connect(_postgres_server) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone()
        print(redis.info("server")["process_id"], open(folder + "/postmaster.pid").readline().strip(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_valkey_is_real(valkey_url: str) -> None:
    with Redis.from_url(valkey_url) as redis:
        assert redis.info("server")["server_name"] == "valkey"


@pytest.mark.slow
@pytest.mark.parametrize("time", [1, 2])
def test_each_test_has_an_empty_postgresql(time: int, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE t (n int)")


@pytest.mark.slow
def test_no_server_outlives_tests_that_were_killed(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((REPOSITORY / "tests" / "conftest.py").read_text())
    (tmp_path / "test_killed.py").write_text(KILLED)
    command = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    pids = [int(pid) for line in done.stdout.splitlines() for pid in line.split() if pid.isdigit()]
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {pids}"
        time.sleep(0.05)


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_tests_cannot_leave_this_machine(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(AssertionError, match="stay on loopback"):
        sock.connect(address)


def test_tests_cannot_ask_for_an_address() -> None:
    with pytest.raises(AssertionError, match="stay on loopback"):
        socket.getaddrinfo("services.example", 443)


def test_settings_of_the_person_who_runs_the_tests_do_not_reach_them() -> None:
    assert {name for name in os.environ if name.startswith("HIGHTIDE_")} <= {"HIGHTIDE_OPENAPI_DIR"}

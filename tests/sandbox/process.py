"""The sandbox as a process that tests start and end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from sandbox.server import VENDORS

REPOSITORY = Path(__file__).parents[2]
Start = Callable[..., "Running"]


class Running:
    """A started sandbox."""

    token: str | None = None

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        self.url = self.line.removeprefix("sandbox ready on ").strip()
        self.told = [self.process.stdout.readline() for _ in VENDORS]

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
        headers = {"Authorization": "Bearer x", "Version": "2021-07-28"}
        got = httpx.request(method, self.url + path, json=body, headers=headers, timeout=10)
        return got.status_code, got.json(), got.headers

    def leads(self) -> tuple[int, list[str]]:
        """Rankr's leads, with the token that this was called with first."""
        form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-rankr-secret"}
        if self.token is None:
            self.token = httpx.post(f"{self.url}/rankr/oauth/token", data=form, timeout=10).json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}"}
        got = httpx.get(f"{self.url}/rankr/v1/leads", headers=headers, timeout=10)
        return got.status_code, [each["id"] for each in got.json()["data"]]

    def contacts(self) -> list[str]:
        found = self.call("GET", "/contacts/?locationId=L1")[1]["contacts"]
        return [each["email"] for each in found]

    def create(self, email: str) -> int:
        return self.call("POST", "/contacts/", {"locationId": "L1", "email": email})[0]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

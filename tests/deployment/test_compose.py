from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from config.settings import read_settings
from console.commands import ROWS

REPOSITORY = Path(__file__).parents[2]


def test_the_services_are_those_of_the_design(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"redis", "postgres", "migrate", "beat", "worker", "web"}
    assert compose["services"]["beat"]["deploy"]["replicas"] == 2
    assert compose["services"]["worker"]["deploy"]["replicas"] == "2"


def test_every_command_is_one_that_there_is(engine_services: dict[str, Any]) -> None:
    commands = {row.name for row in ROWS}
    assert set(engine_services) == {"migrate", "beat", "worker", "web"}
    for service in engine_services.values():
        match service["command"]:
            case ["hightide", command]:
                assert command in commands
            case ["python", "-m", module]:
                assert importlib.util.find_spec(module)
            case other:
                raise AssertionError(other)


def test_redis_keeps_what_it_is_given(compose: dict[str, Any]) -> None:
    name, *words = compose["services"]["redis"]["command"]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert name == "redis-server"
    assert options == {"--appendonly": "yes", "--appendfsync": "everysec", "--maxmemory-policy": "noeviction"}
    assert compose["services"]["redis"]["volumes"] == ["redis:/data"]


def test_what_is_kept_lies_on_volumes_that_are_declared(compose: dict[str, Any]) -> None:
    mounted = [volume for service in compose["services"].values() for volume in service["volumes"]]
    used = {volume.split(":")[0] for volume in mounted if isinstance(volume, str)}
    assert used == set(compose["volumes"])


def test_the_project_is_mounted_for_reading_beside_our_code(engine_services: dict[str, Any]) -> None:
    for service in engine_services.values():
        project, _ = service["volumes"]
        assert (project["target"], project["read_only"]) == ("/project", True)
        assert service["environment"]["HIGHTIDE_PROJECT"] == "/project"


def test_files_that_are_fetched_are_shared_by_all_workers(engine_services: dict[str, Any], tmp_path: Path) -> None:
    for service in engine_services.values():
        assert "state:/state" in service["volumes"]
        given = {"HIGHTIDE_STATE_DIR": service["environment"]["HIGHTIDE_STATE_DIR"]}
        assert read_settings(given, tmp_path).files == Path("/state/files")


def test_nothing_starts_before_what_it_needs(compose: dict[str, Any], engine_services: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("beat", "worker", "web"):
        needed = services[name]["depends_on"]
        assert needed["migrate"] == {"condition": "service_completed_successfully"}
        assert needed["redis"] == needed["postgres"] == {"condition": "service_healthy"}
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "test" in services[needed]["healthcheck"]


def test_what_ends_is_started_again_but_for_the_migration(compose: dict[str, Any]) -> None:
    restarts = {name: service["restart"] for name, service in compose["services"].items()}
    assert restarts.pop("migrate") == "no"
    assert set(restarts.values()) == {"unless-stopped"}


def test_only_the_web_process_has_a_port_and_only_on_this_machine(compose: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8765:8765"]}
    web = compose["services"]["web"]
    assert web["environment"]["HIGHTIDE_WEB_ADDRESS"] == "0.0.0.0:8765"
    assert "127.0.0.1:8765/health" in web["healthcheck"]["test"][-1]


def test_nothing_has_rights(compose: dict[str, Any], engine_services: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert "privileged" not in service
    for service in engine_services.values():
        assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)


def test_settings_are_settings_that_we_know_and_take(
    engine_services: dict[str, Any], example_env: dict[str, str], tmp_path: Path
) -> None:
    for service in engine_services.values():
        assert service["env_file"] == ".env"
        environ = {**{name: value for name, value in example_env.items() if value}, **service["environment"]}
        settings = read_settings(environ, tmp_path)
        assert settings.database_url == "postgresql+psycopg://hightide:abc123@postgres:5432/hightide"
        assert settings.redis_url == "redis://redis:6379/0"


def test_addresses_name_services(engine_services: dict[str, Any], compose: dict[str, Any]) -> None:
    postgres = compose["services"]["postgres"]["environment"]
    for service in engine_services.values():
        found = re.fullmatch(
            r"postgresql://(\w+):(\w+)@(\w+):5432/(\w+)", service["environment"]["HIGHTIDE_DATABASE_URL"]
        )
        assert found is not None
        user, password, host, database = found.groups()
        assert host in compose["services"]
        assert (user, database) == (postgres["POSTGRES_USER"], postgres["POSTGRES_DB"])
        assert password == postgres["POSTGRES_PASSWORD"]


def test_there_is_no_secret_in_the_files(raw_compose: dict[str, Any], example_env: dict[str, str]) -> None:
    assert {name for name, value in example_env.items() if value} == {"PROJECT_DIR", "WORKERS", "WEB_PORT"}
    services = raw_compose["services"]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert services["web"]["environment"]["HIGHTIDE_WEB_PASSWORD"].startswith("${HIGHTIDE_WEB_PASSWORD:?")
    assert ".env" in (REPOSITORY / ".gitignore").read_text().splitlines()


def test_every_variable_is_in_the_example(example_env: dict[str, str]) -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    used = set(re.findall(r"\$\{(\w+)", text))
    assert used <= set(example_env)

"""Real programs in containers: nginx, Redis, PostgreSQL and Python from Debian's packages."""

import pytest

from harness.waiting import wait_for


@pytest.fixture
def postgres(shared_engine):
    shared_engine.have("postgres")


def test_redis_keeps_what_it_is_told(cli, shared_engine, name):
    shared_engine.have("redis")
    cli("run", "-d", "--name", name, "redis")
    wait_for(lambda: cli("exec", name, "redis-cli", "ping", status=None).stdout == "PONG\n", 15)
    assert cli.out("exec", name, "redis-cli", "set", "key", "value") == "OK"
    assert cli.out("exec", name, "redis-cli", "get", "key") == "value"
    address = cli.out("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name)
    assert cli.out("run", "--rm", "redis", "redis-cli", "-h", address, "get", "key") == "value"
    assert cli.out("exec", name, "sh", "-c", "stat -c %U /proc/1") == "redis"
    cli("stop", name)
    assert cli.out("inspect", "-f", "{{.State.ExitCode}}", name) == "0"


def test_postgres_makes_its_database_and_runs_hooks(cli, postgres, name, tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "init").mkdir()
    (tmp_path / "init/1.sql").write_text("CREATE TABLE greetings (text text); INSERT INTO greetings VALUES ('hello');")
    (tmp_path / "init/2.sh").write_text("echo hook in $POSTGRES_DB\n")
    cli("run", "-d", "--name", name, "-e", "POSTGRES_PASSWORD_FILE=/secret", "-e", "POSTGRES_USER=skipper", "-e",
        "POSTGRES_DB=boats", "-v", f"{tmp_path}/secret:/secret:ro", "-v",
        f"{tmp_path}/init:/docker-entrypoint-initdb.d:ro", "postgres")
    wait_for(lambda: "init process complete" in cli.out("logs", name), 60, "the first start")
    address = cli.out("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name)

    def ask():
        return cli("run", "--rm", "-e", "PGPASSWORD=s3cret", "postgres", "psql", "-h", address, "-U", "skipper", "-Atc",
                   "SELECT text FROM greetings", "boats", status=None)

    assert wait_for(lambda: (done := ask()).returncode == 0 and done.stdout, 30) == "hello\n"
    assert "hook in boats" in cli.out("logs", name)
    cli("stop", name)
    assert cli.out("inspect", "-f", "{{.State.ExitCode}}", name) == "0"
    cli("start", name)
    wait_for(lambda: "Skipping initialization" in cli.out("logs", name), 15)


def test_postgres_wants_a_password(cli, postgres):
    done = cli("run", "--rm", "postgres", status=1)
    assert "superuser password is not specified" in done.stderr


def test_python_runs(cli, shared_engine):
    shared_engine.have("python:3.11-slim")
    assert cli.out("run", "--rm", "python:3.11-slim", "python", "-c", "print(6 * 7)") == "42"
    assert cli.out("run", "--rm", "-i", "python:3.11-slim", input="print('from stdin')\n") == "from stdin"
    assert "pip 2" in cli.out("run", "--rm", "python:3.11-slim", "pip", "--version")

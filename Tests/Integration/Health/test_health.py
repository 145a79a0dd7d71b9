"""Health checks: what is probed, what the results do, and what a daemon's end does to them."""

import json

import pytest

from harness.waiting import wait_for

#: Healthy while the file is there.
CHECK = ["--health-cmd", "echo seen; test -e /good", "--health-interval", "100ms", "--health-retries", "2"]


def health(engine, name: str) -> dict:
    return engine.inspect(name)["State"]["Health"]


def test_a_container_becomes_healthy_and_unhealthy(daemon, cli, name):
    cli("run", "-d", "--name", name, *CHECK, "busybox", "sh", "-c", "touch /good; sleep 1000")
    assert health(daemon, name)["Status"] in ("starting", "healthy")
    wait_for(lambda: health(daemon, name)["Status"] == "healthy", 20)
    assert cli.out("ps", "--format", "{{.Status}}").endswith("(healthy)")
    assert cli.out("ps", "-q", "--filter", "health=healthy") and not cli.out("ps", "-q", "--filter", "health=none")
    found = health(daemon, name)
    assert found["FailingStreak"] == 0 and found["Log"][-1]["ExitCode"] == 0 and found["Log"][-1]["Output"] == "seen\n"
    cli("exec", name, "rm", "/good")
    wait_for(lambda: health(daemon, name)["Status"] == "unhealthy", 20)
    assert cli.out("ps", "--format", "{{.Status}}").endswith("(unhealthy)")
    wait_for(lambda: len(health(daemon, name)["Log"]) == 5 and health(daemon, name)["FailingStreak"] >= 6, 20)
    assert len(health(daemon, name)["Log"]) == 5
    cli("stop", "-t", "0", name)
    assert health(daemon, name)["Status"] == "unhealthy"
    cli("start", name)
    wait_for(lambda: health(daemon, name)["Status"] == "healthy", 20)


def test_events_tell_of_the_health(daemon, cli, name):
    stream = cli.popen("events", "--filter", "event=health_status", "--filter", f"container={name}", "--format", "{{.Action}}")
    try:
        wait_for(lambda: daemon.api("GET", "/info").json["NEventsListener"] > 0, 10)
        cli("run", "-d", "--name", name, *CHECK, "busybox", "sh", "-c", "touch /good; sleep 1000")
        assert stream.stdout.readline().decode().strip() == "health_status: healthy"
    finally:
        stream.kill()
        stream.communicate()


def test_a_check_that_takes_too_long_is_ended(daemon, cli, name):
    cli("run", "-d", "--name", name, "--health-cmd", "exec sleep 777", "--health-interval", "50ms", "--health-timeout",
        "200ms", "--health-retries", "1", "busybox", "sleep", "1000")
    wait_for(lambda: health(daemon, name)["Status"] == "unhealthy", 20)
    last = health(daemon, name)["Log"][-1]
    assert last["ExitCode"] == -1 and last["Output"].startswith("Health check exceeded timeout (200ms)")
    # Those before are gone: nothing piles up.
    wait_for(lambda: len(health(daemon, name)["Log"]) >= 3, 20)
    wait_for(lambda: cli.out("top", name).count("sleep 777") <= 1, 10)


@pytest.mark.docker28
def test_failures_while_it_starts_do_not_count(daemon, cli, name):
    cli("run", "-d", "--name", name, "--health-cmd", "false", "--health-interval", "50ms", "--health-start-period", "10m",
        "--health-retries", "1", "--health-start-interval", "50ms", "busybox", "sleep", "1000")
    wait_for(lambda: len(health(daemon, name)["Log"]) == 5, 20)
    assert (health(daemon, name)["Status"], health(daemon, name)["FailingStreak"]) == ("starting", 0)
    assert cli.out("ps", "--format", "{{.Status}}").endswith("(health: starting)")


@pytest.mark.parametrize("check, code, output", [
    (["CMD", "/no/such/program"], -1, "no such file"),
    (["CMD", "sh", "-c", "head -c 5000 /dev/zero | tr '\\0' x; exit 3"], 3, "x" * 4096 + "..."),
])
def test_what_a_check_says(daemon, name, check, code, output):
    body = {"Image": "busybox", "Cmd": ["sleep", "1000"],
            "Healthcheck": {"Test": check, "Interval": 50_000_000, "Retries": 1}}
    assert daemon.api("POST", f"/containers/create?name={name}", body).status == 201
    assert daemon.api("POST", f"/containers/{name}/start").status == 204
    wait_for(lambda: health(daemon, name)["Status"] == "unhealthy", 20)
    last = health(daemon, name)["Log"][-1]
    assert last["ExitCode"] == code and output in last["Output"]


def test_no_check(daemon, cli, name):
    cli("run", "-d", "--name", name, "--no-healthcheck", "busybox", "sleep", "1000")
    assert "Health" not in daemon.inspect(name)["State"]
    assert daemon.inspect(name)["Config"]["Healthcheck"] == {"Test": ["NONE"]}
    assert cli.out("ps", "-q", "--filter", "health=none")
    assert "for health" in cli("ps", "--filter", "health=foo", status=1).stderr


def test_a_paused_container_is_not_probed(daemon, cli, name):
    cli("run", "-d", "--name", name, *CHECK, "busybox", "sh", "-c", "touch /good; sleep 1000")
    wait_for(lambda: health(daemon, name)["Status"] == "healthy", 20)
    cli("pause", name)
    before = health(daemon, name)
    assert cli.out("ps", "--format", "{{.Status}}").endswith("(Paused)")
    cli("unpause", name)
    wait_for(lambda: health(daemon, name)["Log"][-1] not in before["Log"], 20)
    assert health(daemon, name)["Status"] == "healthy"


def test_the_image_s_check_is_inherited(daemon, cli, name):
    data = daemon.api("GET", "/images/busybox/get").body
    changed = with_healthcheck(data, {"Test": ["CMD-SHELL", "exit 0"], "Interval": 50_000_000, "Retries": 7})
    answer = daemon.api("POST", "/images/load?quiet=1", changed, {"Content-Type": "application/x-tar"})
    assert answer.status == 200 and b"errorDetail" not in answer.body, answer.body
    try:
        cli("run", "-d", "--name", name, "--health-retries", "3", "checked", "sleep", "1000")
        wait_for(lambda: health(daemon, name)["Status"] == "healthy", 20)
        assert daemon.inspect(name)["Config"]["Healthcheck"] == {
            "Test": ["CMD-SHELL", "exit 0"], "Interval": 50_000_000, "Retries": 3}
    finally:
        cli("rm", "-f", name)
        cli("rmi", "checked")


def with_healthcheck(archive: bytes, check: dict) -> bytes:
    """A `docker save` archive whose image is named `checked` and has a health check."""
    import hashlib
    import io
    import tarfile

    source = tarfile.open(fileobj=io.BytesIO(archive))
    files = {member.name: source.extractfile(member).read() for member in source if member.isfile()}
    manifest = json.loads(files["manifest.json"])[0]
    config = json.loads(files[manifest["Config"]])
    config["config"]["Healthcheck"] = check
    text = json.dumps(config).encode()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        name = hashlib.sha256(text).hexdigest() + ".json"
        new = json.dumps([{"Config": name, "RepoTags": ["checked:latest"], "Layers": manifest["Layers"]}]).encode()
        for path, data in [(name, text), ("manifest.json", new), *((one, files[one]) for one in manifest["Layers"])]:
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return target.getvalue()


@pytest.mark.skiff_only
def test_checks_go_on_after_a_crash(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    cli("run", "-d", "--name", "checked", *CHECK, "busybox", "sh", "-c", "touch /good; sleep 1000")
    wait_for(lambda: health(engine, "checked")["Status"] == "healthy", 20)
    engine.restart_after_kill()
    assert health(engine, "checked")["Status"] == "healthy"
    cli("exec", "checked", "rm", "/good")
    wait_for(lambda: health(engine, "checked")["Status"] == "unhealthy", 20)

"""`--link` on the default bridge: names, variables, hosts files, and what `rm --link` takes away."""

import json

import pytest

from harness.waiting import wait_for


def hosts(cli, name: str) -> list[list[str]]:
    return [line.split() for line in cli.out("exec", name, "cat", "/etc/hosts").splitlines() if line]


def names(daemon) -> dict[str, list[str]]:
    return {one["Names"][0]: sorted(one["Names"]) for one in daemon.api("GET", "/containers/json?all=1").json}


def pair(cli, name: str) -> tuple[str, str]:
    db, web = f"{name}-db", f"{name}-web"
    cli("run", "-d", "--name", db, "-h", "dbhost", "busybox", "sleep", "1000")
    cli("run", "-d", "--name", web, "--link", f"{db}:alias", "busybox", "sleep", "1000")
    return db, web


def test_a_link_gives_the_other_a_name(cli, daemon, name):
    db, web = pair(cli, name)
    assert daemon.inspect(web)["HostConfig"]["Links"] == [f"/{db}:/{web}/alias"]
    assert names(daemon) == {f"/{db}": [f"/{db}", f"/{web}/alias"], f"/{web}": [f"/{web}"]}
    assert daemon.inspect(f"{web}/alias")["Name"] == f"/{db}"
    assert cli.out("ps", "--filter", "name=alias", "--format", "{{.Names}}") == db
    assert cli.out("ps", "--no-trunc", "--filter", f"name={db}", "--format", "{{.Names}}") == f"{db},{web}/alias"
    address = daemon.inspect(db)["NetworkSettings"]["IPAddress"]
    assert [address, "alias", "dbhost", db] in hosts(cli, web)
    cli("rename", web, f"{web}2")
    cli("rename", db, f"{db}2")
    assert daemon.inspect(f"{web}2")["HostConfig"]["Links"] == [f"/{db}2:/{web}2/alias"]
    assert daemon.inspect(f"{web}2/alias")["Name"] == f"/{db}2"
    assert daemon.api("GET", f"/containers/{web}/alias/json").status == 404


def test_rm_link_takes_the_link_only(cli, daemon, name):
    db, web = pair(cli, name)
    assert "No such container" in cli("rm", "--link", f"{web}/nosuch", status=1).stderr
    assert "cannot remove the default link name" in cli("rm", "-l", web, status=1).stderr
    assert cli.out("rm", "-l", f"{web}/alias") == f"{web}/alias"
    assert daemon.inspect(web)["HostConfig"]["Links"] in (None, []) and daemon.inspect(db)["State"]["Running"]
    assert names(daemon)[f"/{db}"] == [f"/{db}"]
    wait_for(lambda: not any("alias" in line for line in hosts(cli, web)), 10, "the end of the line in the hosts file")
    cli("restart", "-t", "0", web)
    assert not any("alias" in line for line in hosts(cli, web))


def test_a_linked_container_may_go(cli, daemon, name):
    db, web = pair(cli, name)
    cli("rm", "-f", db)
    assert daemon.inspect(web)["HostConfig"]["Links"] in (None, [])
    cli("restart", "-t", "0", web)
    # Another one of the same name is another one.
    cli("run", "-d", "--name", db, "busybox", "sleep", "1000")
    assert names(daemon)[f"/{db}"] == [f"/{db}"]


def test_a_new_address_is_told_to_who_is_linked(cli, daemon, name):
    db, web = pair(cli, name)
    before = daemon.inspect(db)["NetworkSettings"]["IPAddress"]
    cli("exec", web, "sh", "-c", "echo 192.0.2.7 own >>/etc/hosts")
    cli("stop", "-t", "0", db)
    # Somebody else takes the address meanwhile.
    for _ in range(20):
        other = cli.out("run", "-d", "busybox", "sleep", "1000")
        if daemon.inspect(other)["NetworkSettings"]["IPAddress"] == before:
            break
    cli("start", db)
    after = daemon.inspect(db)["NetworkSettings"]["IPAddress"]
    assert after != before
    wait_for(lambda: [after, "alias", "dbhost", db] in hosts(cli, web), 10, "the new address in the hosts file")
    lines = hosts(cli, web)
    assert len([line for line in lines if "alias" in line]) == 1 and ["192.0.2.7", "own"] in lines


def test_links_that_cannot_be(cli, name):
    cli("run", "-d", "--name", f"{name}-host", "--network", "host", "busybox", "sleep", "1000")
    done = cli("run", "--rm", "--link", f"{name}-host:x", "busybox", "true", status=125)
    assert "host type networking can't be used with links" in done.stderr
    cli("create", "--name", f"{name}-idle", "busybox", "true")
    done = cli("run", "--rm", "--name", f"{name}-web", "--link", f"{name}-idle:x", "busybox", "true", status=125)
    assert f"Cannot link to a non running container: /{name}-idle AS /{name}-web/x" in done.stderr


@pytest.mark.skiff_only
def test_links_survive_the_daemon(new_daemon):
    engine = new_daemon()
    cli = engine.cli("skiff")
    db, web = pair(cli, "kept")
    cli("run", "-d", "--name", "third", "--link", f"{db}:x", "--link", f"{web}:y", "busybox", "sleep", "1000")
    cli("rm", "-l", "third/x")
    engine.restart_after_kill()
    assert engine.inspect(web)["HostConfig"]["Links"] == [f"/{db}:/{web}/alias"]
    assert engine.inspect("third")["HostConfig"]["Links"] == [f"/{web}:/third/y"]
    assert names(engine)[f"/{db}"] == [f"/{db}", f"/{web}/alias"]
    assert json.loads(cli.out("inspect", "third/y"))[0]["Name"] == f"/{web}"

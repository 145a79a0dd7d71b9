"""Other programs' firewalls: what they drop stays dropped, Skiff says so, and their own words for allowing it work."""

import shutil
import subprocess

import pytest

from harness.traffic import Outside

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def ufw(hosts):
    """Debian's ufw in the engine's network, with files of its own."""
    if not shutil.which("ufw"):
        pytest.skip("needs ufw")
    inside = [*hosts.engine.inside, "unshare", "--mount", "--propagation", "private", "sh", "-c"]

    def run(*commands: str) -> str:
        # Its rules are kept in files, so every call sees those of the calls before.
        run.commands += commands
        script = ("mount -t tmpfs none /run && for one in /etc/ufw /etc/default /lib/ufw; do mkdir -p /run/x$one && "
                  "cp -a $one/. /run/x$one && mount --bind /run/x$one $one; done; " + " && ".join(run.commands))
        done = subprocess.run([*inside, script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.commands = ()
    yield run
    hosts.engine.run("sh", "-c", "iptables -F; iptables -X; ip6tables -F; ip6tables -X; "
                     "for c in INPUT FORWARD OUTPUT; do iptables -P $c ACCEPT; ip6tables -P $c ACCEPT; done; "
                     "for t in ip ip6; do for n in filter nat raw mangle; do nft delete table $t $n; done; done")


def test_ufw_holds_over_published_ports_and_allows_them_in_its_own_words(hosts, ufw):
    hosts.container("web", ports={"80/tcp": 18080})
    asked = ("tcp", Outside.HOST[4], 18080)
    assert hosts.outside.reaches(*asked)
    ufw("ufw --force enable")
    assert hosts.outside.fails_to_reach(*asked)
    report = hosts.engine.cli("skiff").out("network", "audit")
    assert "WARNING: " in report and "blocked" in report
    ufw("ufw route allow proto tcp to any port 80")
    assert hosts.outside.reaches(*asked)

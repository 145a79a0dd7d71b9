"""Who one is for a registry: tokens and their end, identity tokens, helpers that keep credentials, redirects."""

import base64
import json
import os
import stat
import threading
import urllib.parse
from pathlib import Path

import pytest
from harness.registries import Blobs, put_image
from harness.relay import LocalServer, Relay, refuse, reply, reply_json, request_pieces

pytestmark = pytest.mark.skiff_only

USER, PASSWORD = "jane", "geheim"


class TokenServer:
    """Issues tokens that count, and refresh tokens to those who ask; `guard` is a meddler for a `Relay`."""

    def __init__(self):
        self.lock, self.number = threading.Lock(), 0
        self.valid: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.server = LocalServer(self._answer)
        #: For how many requests a token is good.
        self.uses: int | None = None
        self.counts: dict[str, int] = {}

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def _answer(self, handler) -> None:
        body = b"".join(request_pieces(handler)).decode()
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(handler.path).query))
        form = dict(urllib.parse.parse_qsl(body))
        with self.lock:
            self.asked.append(query | form | {"method": handler.command})
        if handler.command == "POST":
            known = form.get("grant_type") == "refresh_token" and form.get("refresh_token") == "lasting"
        else:
            basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            known = handler.headers.get("Authorization") == basic
        if not known:
            refuse(handler, 401, "UNAUTHORIZED")
            return
        with self.lock:
            self.number += 1
            token = f"token-{self.number}"
            self.valid[token] = query.get("scope", form.get("scope", ""))
        answer = {"access_token": token, "expires_in": 300}
        if query.get("offline_token") == "true":
            answer["refresh_token"] = "lasting"
        reply_json(handler, answer)

    def guard(self, handler, _) -> bool:
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.lock:
            count = self.counts[token] = self.counts.get(token, 0) + 1
            good = token in self.valid and (self.uses is None or count <= self.uses)
        if good:
            return False
        scope = ""
        parts = urllib.parse.urlsplit(handler.path).path.split("/")
        if "blobs" in parts or "manifests" in parts:
            kind = "blobs" if "blobs" in parts else "manifests"
            name = "/".join(parts[2:parts.index(kind)])
            scope = f',scope="repository:{name}:{"pull" if handler.command in ("GET", "HEAD") else "pull,push"}"'
        # The body of a refused request is not waited for.
        return refuse(handler, 401, "UNAUTHORIZED", {
            "WWW-Authenticate": f'Bearer realm="{self.server.url}/token",service="here"{scope}'})


@pytest.fixture
def tokens():
    with TokenServer() as one:
        yield one


@pytest.fixture
def guarded(stocked, tokens):
    with Relay(stocked.host, tokens.guard) as relay:
        yield relay


@pytest.fixture
def settings_file(cli):
    """The client's config.json: empty before and after."""
    path = cli.engine.client_config / "config.json"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def login(cli, host: str) -> None:
    assert "Login Succeeded" in cli.out("login", "-u", USER, "--password-stdin", host, input=PASSWORD)


def test_identity_token_is_kept_instead_of_the_password(cli, guarded, tokens, settings_file):
    there = f"{guarded.host}/box:1"
    assert cli("pull", there, status=1)
    login(cli, guarded.host)
    assert any(one.get("offline_token") == "true" and one.get("account") == USER for one in tokens.asked)
    kept = json.loads(settings_file.read_text())["auths"][guarded.host]
    assert kept["identitytoken"] == "lasting" and PASSWORD not in base64.b64decode(kept["auth"]).decode()
    tokens.asked.clear()
    cli("pull", there)
    asked = [one for one in tokens.asked if one["method"] == "POST"]
    assert asked and asked[0]["grant_type"] == "refresh_token" and "repository:box:pull" in asked[0]["scope"]
    cli("rmi", there)
    cli("logout", guarded.host)
    assert guarded.host not in json.loads(settings_file.read_text()).get("auths", {})


def test_token_that_ends_in_the_middle_is_renewed(cli, guarded, tokens, settings_file, name):
    """Each token is good for three requests, so a push and a pull of a few layers need many."""
    login(cli, guarded.host)
    tokens.uses = 3
    there = f"{guarded.host}/renewed-{name}:1"
    cli("tag", "busybox", there)
    before = tokens.number
    cli("push", there)
    cli("rmi", there)
    cli("pull", there)
    assert tokens.number - before >= 3
    cli("rmi", there)


def test_wrong_password_is_told(cli, guarded, settings_file):
    done = cli("login", "-u", USER, "--password-stdin", guarded.host, input="wrong", status=1)
    assert "unauthorized" in done.stderr and not settings_file.exists()


#: Keeps one file per server, named by it, beside itself; writes down every call.
HELPER = r"""#!/bin/sh
folder=$(dirname "$0")
text=$(cat)
server=$(printf %s "$text" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/')
file=$folder/{name}.$(printf %s "$server" | tr /: __)
echo "{name} $1 $server" >>"$folder/calls"
case $1 in
get) cat "$file" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
store) printf %s "$text" >"$file" ;;
erase) rm -f "$file" ;;
esac
"""


def kept_by(helpers: Path, name: str, server: str) -> dict | None:
    path = helpers / f"{name}.{server.replace(':', '_')}"
    return json.loads(path.read_text()) if path.exists() else None


@pytest.fixture
def helpers(tmp_path, monkeypatch) -> Path:
    """The programs docker-credential-alpha and -beta, which write down what they are asked."""
    for name in ("alpha", "beta"):
        program = tmp_path / f"docker-credential-{name}"
        program.write_text(HELPER.replace("{name}", name))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    broken = tmp_path / "docker-credential-broken"
    broken.write_text("#!/bin/sh\ncat >/dev/null\necho the safe is locked\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_helper_keeps_the_credentials(cli, stocked, helpers, settings_file):
    """`credsStore`: nothing secret in the file, everything through the program; `credHelpers` before it, per registry."""
    basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def guard(handler, _):
        if handler.headers.get("Authorization") == basic:
            return False
        return refuse(handler, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})

    with Relay(stocked.host, guard) as first, Relay(stocked.host, guard) as second:
        settings_file.write_text(json.dumps({
            "credsStore": "alpha", "credHelpers": {second.host: "beta"}, "psFormat": "table"}))
        for relay in (first, second):
            login(cli, relay.host)
        text = settings_file.read_text()
        assert PASSWORD not in text and base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() not in text
        assert json.loads(text)["psFormat"] == "table"
        assert {"auths", "credsStore", "credHelpers"} <= set(json.loads(text))
        for name, relay in (("alpha", first), ("beta", second)):
            kept = kept_by(helpers, name, relay.host)
            assert kept["Secret"] == PASSWORD and kept["Username"] == USER
            cli("pull", f"{relay.host}/box:1")
            cli("rmi", f"{relay.host}/box:1")
            assert f"{name} get {relay.host}" in (helpers / "calls").read_text().splitlines()
            cli("logout", relay.host)
            assert kept_by(helpers, name, relay.host) is None
            assert cli("pull", f"{relay.host}/box:1", status=1)
        calls = (helpers / "calls").read_text()
        assert f"beta store {first.host}" not in calls and f"alpha store {second.host}" not in calls


def test_helper_keeps_an_identity_token(cli, guarded, helpers, settings_file):
    settings_file.write_text(json.dumps({"credsStore": "alpha"}))
    login(cli, guarded.host)
    kept = kept_by(helpers, "alpha", guarded.host)
    assert (kept["Username"], kept["Secret"]) == ("<token>", "lasting")
    cli("pull", f"{guarded.host}/box:1")
    cli("rmi", f"{guarded.host}/box:1")
    cli("logout", guarded.host)


def test_helper_that_fails_or_is_missing_is_named(cli, stocked, helpers, settings_file):
    settings_file.write_text(json.dumps({"credsStore": "broken"}))
    done = cli("login", "-u", USER, "--password-stdin", stocked.host, input=PASSWORD, status=1)
    assert "the safe is locked" in done.stderr
    settings_file.write_text(json.dumps({"credsStore": "nosuch"}))
    done = cli("login", "-u", USER, "--password-stdin", stocked.host, input=PASSWORD, status=1)
    assert "docker-credential-nosuch" in done.stderr


def test_credentials_of_the_file_in_every_form(cli, stocked, settings_file):
    """`auth` of a host, of an address, and name and password by themselves, as other tools write them."""
    basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    seen = []

    def guard(handler, _):
        seen.append(handler.headers.get("Authorization"))
        return seen[-1] != basic and refuse(handler, 401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="x"'})

    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with Relay(stocked.host, guard) as relay:
        for entry in ({relay.host: {"auth": auth}}, {f"https://{relay.host}/v1/": {"auth": auth}},
                      {relay.host: {"username": USER, "password": PASSWORD}}):
            settings_file.write_text(json.dumps({"auths": entry}))
            cli("pull", f"{relay.host}/box:1")
            cli("rmi", f"{relay.host}/box:1")


def test_redirect_to_a_store_takes_no_credentials_along(cli, stocked, tokens, settings_file, daemon):
    """Blobs lie elsewhere, under signed addresses: no Authorization there, neither basic nor bearer, also after a cut."""
    cuts = []

    def cut(exchange):
        if exchange.path.endswith("signature=abc") and len(cuts) < 2 and exchange.sent > 20_000:
            cuts.append(1)
            raise OSError

    def strip(handler, exchange):
        handler.path = handler.path.split("?")[0]
        return False

    # Large enough to be sent in several pieces.
    blobs = Blobs()
    import gzip
    import hashlib

    from harness.archives import layer
    plain = layer({"noise": os.urandom(200_000).hex()})
    descriptor = blobs.image("1", [gzip.compress(plain, 1, mtime=0)], ["sha256:" + hashlib.sha256(plain).hexdigest()])
    put_image(f"http://{stocked.host}", "led", "1", blobs, descriptor)
    with Relay(stocked.host, strip, while_sending=cut) as store:
        def lead(handler, exchange):
            if tokens.guard(handler, exchange):
                return True
            if exchange.method == "GET" and "/blobs/sha256" in exchange.path:
                return reply(handler, 307, b"", {"Location": f"http://{store.host}{handler.path}?signature=abc"})
            return False

        with Relay(stocked.host, lead) as relay:
            login(cli, relay.host)
            cli("pull", f"{relay.host}/led:1")
            cli("rmi", f"{relay.host}/led:1")
        asked = store.seen("GET", "signature=abc")
        assert asked and all("Authorization" not in one.fields for one in asked)
        assert cuts and any("Range" in one.fields for one in asked)
        assert "signature=abc" not in daemon.log_text()


def test_token_service_may_be_elsewhere_but_not_everywhere(daemon, stocked, addresses):
    """Credentials go to a token service without TLS only where that was allowed; an endless answer of it ends."""
    kinds = []

    def endless(handler):
        kinds.append(handler.headers.get("Authorization"))
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 65536)

    field = base64.urlsafe_b64encode(json.dumps({"username": USER, "password": PASSWORD}).encode()).decode()

    def pull(host: str) -> str:
        answer = daemon.api("POST", f"/images/create?fromImage={host}/box&tag=1", headers={"X-Registry-Auth": field})
        return answer.message if answer.status != 200 else json.loads(answer.body.splitlines()[-1]).get("error", "")

    for address, expected in ((addresses[0], "refusing to send credentials without TLS"), ("127.0.0.1", "larger than")):
        with LocalServer(endless, address=address) as service:
            def guard(handler, _, service=service):
                return refuse(handler, 401, "UNAUTHORIZED", {
                    "WWW-Authenticate": f'Bearer realm="{service.url}/token",service="x"'})
            with Relay(stocked.host, guard) as relay:
                assert expected in pull(relay.host)
    assert len(kinds) == 1


def test_token_service_that_runs_in_circles(daemon, stocked):
    """Redirects in a circle, tokens that are never good, and challenges that lead to themselves: all of them end."""
    with LocalServer(lambda handler: reply(handler, 302, b"", {"Location": handler.path})) as circle, \
            LocalServer(lambda handler: reply_json(handler, {"token": "bad"})) as useless:
        for service, expected in ((circle, "redirects"), (useless, "unauthorized")):
            def guard(handler, _, service=service):
                return refuse(handler, 401, "UNAUTHORIZED", {
                    "WWW-Authenticate": f'Bearer realm="{service.url}/token",service="x"'})
            with Relay(stocked.host, guard) as relay:
                answer = daemon.api("POST", f"/images/create?fromImage={relay.host}/box&tag=1")
                assert answer.status >= 400 and expected in answer.message, answer.body
                assert len(relay.exchanges) < 20

"""How the daemon reaches registries: certificates per host, insecure ones, mirrors, proxies, rate limits."""

import email.utils
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from harness.registries import Blobs, DebianRegistry, HostileRegistry, put_image
from harness.relay import Proxy, Relay, refuse

pytestmark = pytest.mark.skiff_only


class Authority:
    """Issues certificates for servers and clients."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name
        folder.mkdir()
        self.certificate, self.key = folder / "ca.crt", folder / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def _openssl(self, *arguments) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def issue(self, name: str, alternative: str = "DNS:localhost") -> tuple[Path, Path]:
        certificate, key, request = (self.folder / f"{name}.{end}" for end in ("cert", "key", "csr"))
        (self.folder / "extensions").write_text(f"subjectAltName={alternative}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                      "-days", "2", "-extfile", self.folder / "extensions", "-out", certificate)
        return certificate, key

    def context(self, address: str, clients: "Authority | None" = None) -> ssl.SSLContext:
        """For a server at an address, which lets only `clients` in."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(f"server-{address}", f"IP:{address}"))
        if clients:
            context.load_verify_locations(clients.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.mark.parametrize("folder", ["/etc/docker/certs.d", "/etc/skiff/certs.d"])
def test_certificates_of_a_host(new_daemon, stocked, addresses, etc, tmp_path, folder):
    """An authority of one's own, and a certificate that says who one is, in the host's folder."""
    servers, clients = Authority(tmp_path / "servers", "servers"), Authority(tmp_path / "clients", "clients")
    engine = new_daemon(images=())
    cli = engine.cli("skiff")
    with Relay(stocked.host, address=addresses[0], context=servers.context(addresses[0], clients)) as relay:
        there = f"{relay.host}/box:1"
        assert "failed to verify certificate" in cli("pull", there, status=1).stderr
        place = Path(folder) / relay.host
        place.mkdir(parents=True)
        (place / "ca.crt").write_bytes(servers.certificate.read_bytes())
        refused = cli("pull", there, status=1).stderr
        assert "certificate" in refused and "verify" not in refused
        certificate, key = clients.issue("daemon")
        (place / "client.cert").write_bytes(certificate.read_bytes())
        assert "missing key client.key for client certificate client.cert" in cli("pull", there, status=1).stderr
        (place / "client.key").write_bytes(key.read_bytes())
        cli("pull", there)
        # The other host's folder says nothing about this one.
        with Relay(stocked.host, address=addresses[0], context=servers.context(addresses[0])) as other:
            assert "failed to verify certificate" in cli("pull", f"{other.host}/box:1", status=1).stderr
        (place / "ca.crt").write_text("no certificate")
        assert f"{place}/ca.crt" in cli("pull", there, status=1).stderr


def test_name_in_the_certificate_has_to_be_the_hosts(new_daemon, stocked, addresses, etc, tmp_path):
    servers = Authority(tmp_path / "servers", "servers")
    engine = new_daemon(images=())
    with Relay(stocked.host, address=addresses[0], context=servers.context(addresses[1])) as relay:
        place = Path("/etc/docker/certs.d") / relay.host
        place.mkdir(parents=True)
        (place / "ca.crt").write_bytes(servers.certificate.read_bytes())
        assert "failed to verify certificate" in engine.cli("skiff")("pull", f"{relay.host}/box:1", status=1).stderr


@pytest.mark.parametrize("how", ["flag", "host", "network"])
@pytest.mark.parametrize("tls", [True, False], ids=["unknown-certificate", "no-tls"])
def test_insecure_registries(new_daemon, stocked, addresses, tmp_path, how, tls):
    context = Authority(tmp_path / "servers", "servers").context(addresses[0]) if tls else None
    with Relay(stocked.host, address=addresses[0], context=context) as relay:
        flags, config = [], {}
        if how == "flag":
            flags = ["--insecure-registry", relay.host]
        else:
            config = {"insecure-registries": [relay.host if how == "host" else "10.199.0.0/16"]}
        engine = new_daemon(*flags, images=(), config=config)
        cli = engine.cli("skiff")
        cli("pull", f"{relay.host}/box:1")
        shown = engine.api("GET", "/info").json["RegistryConfig"]
        if how == "network":
            assert "10.199.0.0/16" in shown["InsecureRegistryCIDRs"]
        else:
            assert shown["IndexConfigs"][relay.host]["Secure"] is False
        with Relay(stocked.host, address=addresses[2], context=context) as other:
            done = cli("pull", f"{other.host}/box:1", status=1)
            assert ("failed to verify certificate" if tls else "gave HTTP response to HTTPS client") in done.stderr


def test_mirrors_of_any_registry(new_daemon, stocked, addresses):
    """Mirrors are asked before the registry that they are for; what they do not have comes from it; pushes go past them."""
    blobs = Blobs()
    with HostileRegistry(blobs) as empty, Relay(stocked.host) as mirror, Relay(stocked.host, address=addresses[0]) as origin:
        engine = new_daemon(config={
            "registry-mirrors": [f"http://{mirror.host}", f"{origin.host}=http://127.0.0.1:1",
                                 f"{origin.host}=http://{empty.host}", f"{origin.host}=http://{mirror.host}"],
            "insecure-registries": ["10.199.0.0/16"]})
        cli = engine.cli("skiff")
        cli("pull", f"{origin.host}/box:1")
        assert not origin.exchanges and empty.requests and mirror.seen("GET", "/blobs/")
        mirror.exchanges.clear()
        cli("tag", "busybox", f"{origin.host}/mirrored:1")
        cli("push", f"{origin.host}/mirrored:1")
        assert not mirror.exchanges and origin.seen("PUT", "/manifests/")
        # The default registry's mirror has library/… as Docker's own has.
        blobs = Blobs()
        put_image(f"http://{stocked.host}", "library/only-there", "1", blobs, blobs.simple("1", "library"))
        cli("pull", "only-there:1")
        assert "only-there:1" in cli.out("images", "--format", "{{.Repository}}:{{.Tag}}")
        assert f"http://{mirror.host}/" in engine.api("GET", "/info").json["RegistryConfig"]["Mirrors"]


def test_mirrors_get_no_credentials(new_daemon, stocked, addresses):
    with Relay(stocked.host, lambda handler, _: refuse(handler, 401, "UNAUTHORIZED", {
            "WWW-Authenticate": 'Basic realm="mirror"'})) as mirror, Relay(stocked.host, address=addresses[0]) as origin:
        engine = new_daemon(images=(), config={
            "registry-mirrors": [f"{origin.host}=http://{mirror.host}"], "insecure-registries": ["10.199.0.0/16"]})
        cli = engine.cli("skiff")
        cli("login", "-u", "jane", "--password-stdin", origin.host, input="geheim")
        cli("pull", f"{origin.host}/box:1")
        assert mirror.exchanges and all("Authorization" not in one.fields for one in mirror.exchanges)


@pytest.mark.parametrize("password", [None, "user:p@ss w"], ids=["open", "with-password"])
@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_proxies(new_daemon, stocked, addresses, tmp_path, password, tls):
    """CONNECT for TLS, whole addresses else; none for what NO_PROXY names, which the proxy never hears of."""
    context = Authority(tmp_path / "servers", "servers").context(addresses[0]) if tls else None
    insecure = {"insecure-registries": ["10.199.0.0/16", "10.200.0.0/16"]}
    with Relay(stocked.host, address=addresses[0], context=context) as relay, Proxy(addresses[1], password) as proxy:
        user = "user:p%40ss%20w@" if password else ""
        address = f"http://{user}{proxy.host}"
        engine = new_daemon(config=insecure | {"proxies": {
            "http-proxy": address, "https-proxy": address, "no-proxy": f"{addresses[2]},other.example"}})
        cli = engine.cli("skiff")
        there = f"{relay.host}/proxied:1"
        cli("tag", "busybox", there)
        cli("push", there)
        cli("rmi", there)
        cli("pull", there)
        if tls:
            assert ("CONNECT", relay.host) in proxy.asked
        else:
            assert ("GET", f"http://{relay.host}/v2/") in proxy.asked
        assert proxy.asked and all("Proxy-Authorization" not in one.fields for one in relay.exchanges)
        assert "p@ss" not in engine.log_text() and "p%40ss" not in engine.log_text()
        count = len(proxy.asked)
        with Relay(stocked.host, address=addresses[2], context=None) as direct:
            cli("pull", f"{direct.host}/box:1")
            assert direct.exchanges
        cli("pull", f"{stocked.host}/box:1")  # the loopback needs none
        assert len(proxy.asked) == count


@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_proxies_that_are_reached_by_tls(new_daemon, stocked, addresses, etc, tmp_path, tls):
    """`https://` in a proxy's address: TLS to it, and the registry's own TLS within. Its authority is in certs.d."""
    authority = Authority(tmp_path / "servers", "servers")
    context = authority.context(addresses[0]) if tls else None
    with (Relay(stocked.host, address=addresses[0], context=context) as relay,
          Proxy(addresses[1], "user:word", authority.context(addresses[1])) as proxy):
        address = f"https://user:word@{proxy.host}"
        engine = new_daemon(config={"proxies": {"http-proxy": address, "https-proxy": address},
                                    "insecure-registries": [relay.host]})
        cli = engine.cli("skiff")
        there = f"{relay.host}/proxied:1"
        refused = cli("pull", f"{relay.host}/box:1", status=1).stderr
        assert "proxyconnect tcp" in refused and "failed to verify certificate" in refused, refused
        place = Path("/etc/skiff/certs.d") / proxy.host
        place.mkdir(parents=True)
        (place / "ca.crt").write_bytes(authority.certificate.read_bytes())
        cli("tag", "busybox", there)
        cli("push", there)
        cli("rmi", there)
        cli("pull", there)
        cli("pull", f"{relay.host}/box:1")
        assert (("CONNECT", relay.host) if tls else ("GET", f"http://{relay.host}/v2/")) in proxy.asked
        assert all("Proxy-Authorization" not in one.fields for one in relay.exchanges)


def test_proxies_of_the_environment(new_daemon, stocked, addresses, monkeypatch):
    with Relay(stocked.host, address=addresses[0]) as relay, Proxy(addresses[1]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.host}")
        monkeypatch.setenv("NO_PROXY", "nothing.example")
        engine = new_daemon(images=(), config={"insecure-registries": ["10.199.0.0/16"]})
        engine.cli("skiff")("pull", f"{relay.host}/box:1")
        assert proxy.asked
        assert engine.api("GET", "/info").json["HttpProxy"] == f"http://{proxy.host}"


def test_proxy_that_refuses_is_named(new_daemon, stocked, addresses, tmp_path):
    context = Authority(tmp_path / "servers", "servers").context(addresses[0])
    with Relay(stocked.host, address=addresses[0], context=context) as relay, Proxy(addresses[1], "a:b") as proxy:
        engine = new_daemon(images=(), config={"https-proxy": f"http://x:wrong@{proxy.host}"})
        error = engine.cli("skiff")("pull", f"{relay.host}/box:1", status=1).stderr
        assert f"the proxy http://{proxy.host}/ refused" in error and "407" in error and "wrong" not in error


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_rate_limit_is_waited_for(new_daemon, stocked, form):
    """429 with Retry-After: nobody asks again before that."""
    asked: list[float] = []

    def limit(handler, exchange):
        if exchange.method != "GET" or "/blobs/" not in exchange.path:
            return False
        asked.append(time.time())
        if len(asked) > 1:
            return False
        # A date has whole seconds: three of them are more than two.
        value = "2" if form == "seconds" else email.utils.formatdate(time.time() + 3, usegmt=True)
        return refuse(handler, 429, "TOOMANYREQUESTS", {"Retry-After": value})

    engine = new_daemon(images=())
    with Relay(stocked.host, limit) as relay:
        engine.cli("skiff")("pull", f"{relay.host}/box:1")
    # The first answer may have been read late, never early.
    assert len(asked) >= 2 and asked[1] - asked[0] >= 1.9


def test_rate_limit_that_is_too_long_is_told_at_once(new_daemon, stocked):
    engine = new_daemon(images=())
    with Relay(stocked.host, lambda handler, exchange: "/blobs/" in exchange.path and refuse(
            handler, 429, "TOOMANYREQUESTS", {"Retry-After": "7200"})) as relay:
        error = engine.cli("skiff")("pull", f"{relay.host}/box:1", status=1).stderr
        assert "toomanyrequests" in error and "wait for 7200 seconds" in error
        assert len(relay.seen("GET", "/blobs/")) == 1


def test_pauses_between_attempts_grow(new_daemon, stocked):
    asked: list[float] = []

    def fail(handler, exchange):
        if "/blobs/" not in exchange.path:
            return False
        asked.append(time.monotonic())
        return refuse(handler, 503, "UNAVAILABLE")

    engine = new_daemon(images=(), config={"max-download-attempts": 4})
    with Relay(stocked.host, fail) as relay:
        assert "503" in engine.cli("skiff")("pull", f"{relay.host}/box:1", status=1).stderr
    pauses = [later - earlier for earlier, later in zip(asked, asked[1:])]
    assert len(asked) == 4
    # Half a second, doubled each time; never shorter, however slow the machine is.
    assert all(pause >= least for pause, least in zip(pauses, (0.5, 1.0, 2.0)))


def test_registry_that_is_away_for_a_moment(new_daemon, tmp_path):
    """A registry that restarts in the middle of a pull: the pull waits for it."""
    blobs = Blobs()
    with DebianRegistry(tmp_path / "registry", 5905) as origin:
        put_image(f"http://{origin.host}", "box", "1", blobs, blobs.simple("1", "restarted"))
        engine = new_daemon(images=())
        away = []

        def restart(handler, exchange):
            if "/blobs/" in exchange.path and not away:
                away.append(1)
                return refuse(handler, 502, "UNAVAILABLE")
            return False

        with Relay(origin.host, restart) as relay:
            engine.cli("skiff")("pull", f"{relay.host}/box:1")
        assert away

"""Who gets in: TLS, passwords, tokens, rules, read-only."""

import base64
import json
import select
import signal
import socket
import subprocess

import pytest
from harness import settings
from harness.registry import digest
from harness.waiting import wait_for

ALICE = ("alice", "secret")
BOB = ("bob", "hunter2")


def test_passwords_over_tls(registries, passwords, certificate):
    registry = registries("--htpasswd", str(passwords), "--tls-cert", str(certificate[0]), "--tls-key",
                          str(certificate[1]), scheme="https")
    registry.session.verify = str(certificate[0])
    refused = registry.ask("GET", "/v2/", 401)
    assert refused.headers["WWW-Authenticate"].startswith('Basic realm="')
    for wrong in (("alice", "wrong"), ("nobody", "secret"), ("alice", ""), ("alice", "secret\0x")):
        registry.ask("GET", "/v2/", 401, auth=wrong)
    registry.ask("GET", "/v2/", 200, auth=ALICE)
    content = b"x" * 3_000_000
    name = registry.push_blob("a", content, auth=ALICE)
    assert registry.ask("GET", f"/v2/a/blobs/{name}", 200, auth=ALICE).content == content
    registry.ask("GET", f"/v2/a/blobs/{name}", 401)


def test_guesses_keep_nobody_waiting(registries, tmp_path):
    """Each guess costs a hash: who has shown his password before does not stand in line behind a hundred of them."""
    path = tmp_path / "costly"
    # "secret" with a cost of 12: some 200 ms of a processor.
    path.write_text("alice:$2y$12$.tx8ObqH/XIa50xmvri6Nua0jw.t.Ac8rCpwhNS124Z05EafVvckq\n")
    registry = registries("--htpasswd", str(path))
    registry.ask("GET", "/v2/", 200, auth=ALICE)
    guess = base64.b64encode(b"alice:guess").decode()
    sockets = []
    for _ in range(100):
        sockets.append(socket.create_connection((registry.address, registry.port)))
        sockets[-1].sendall(f"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {guess}\r\n\r\n".encode())
    registry.ask("GET", "/v2/", 200, auth=ALICE)
    answered, _, _ = select.select(sockets, [], [], 0)
    assert len(answered) < len(sockets), "the guesses came first"
    for one in sockets:
        one.close()


def test_rules_tell_users_and_actions_apart(registries, passwords, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({
        "htpasswd": str(passwords), "access": [
            {"users": ["alice"], "repositories": ["**"], "actions": ["*"]},
            {"users": ["bob"], "repositories": ["team/*"], "actions": ["pull", "push"]},
            {"users": ["anonymous", "*"], "repositories": ["public/**"], "actions": ["pull"]},
        ]}))
    registry = registries("--config", str(tmp_path / "config.json"))
    for name in ("public/deep/x", "team/x", "private"):
        registry.push_image(name, "t", auth=ALICE)
    registry.ask("GET", "/v2/public/deep/x/manifests/t", 200)
    registry.ask("GET", "/v2/team/x/manifests/t", 401)
    registry.ask("GET", "/v2/team/x/manifests/t", 200, auth=BOB)
    registry.push_image("team/x", "u", auth=BOB)
    assert registry.error("GET", "/v2/private/manifests/t", 403, auth=BOB) == "DENIED"
    assert registry.error("DELETE", "/v2/team/x/manifests/t", 403, auth=BOB) == "DENIED"
    assert registry.error("GET", "/v2/_catalog", 403, auth=BOB) == "DENIED"
    # A blob of a repository that one may not pull from cannot be mounted.
    secret = registry.push_blob("private", b"secret content", auth=ALICE)
    registry.ask("POST", f"/v2/team/x/blobs/uploads/?mount={secret}&from=private", 202, auth=BOB)
    registry.ask("POST", f"/v2/team/x/blobs/uploads/?mount={secret}", 202, auth=BOB)


def token(registry, auth, *scopes, **options) -> str:
    answer = registry.ask("GET", "/token", 200, auth=auth, params={"service": "skiff-registry", "scope": list(scopes)})
    return answer.json()["token"]


def bearer(text: str) -> dict:
    return {"Authorization": f"Bearer {text}"}


def test_tokens_carry_scopes(registries, passwords):
    registry = registries("--auth", "token", "--htpasswd", str(passwords))
    challenge = registry.ask("GET", "/v2/a/manifests/t", 401).headers["WWW-Authenticate"]
    assert f'realm="{registry.url}/token"' in challenge and 'scope="repository:a:pull"' in challenge
    push = token(registry, ALICE, "repository:a:pull,push")
    name = digest(b"x")
    registry.ask("POST", f"/v2/a/blobs/uploads/?digest={name}", 201, data=b"x", headers=bearer(push))
    pull = token(registry, ALICE, "repository:a:pull")
    registry.ask("GET", f"/v2/a/blobs/{name}", 200, headers=bearer(pull))
    refused = registry.ask("POST", f"/v2/a/blobs/uploads/?digest={name}", 401, data=b"x", headers=bearer(pull))
    assert "insufficient_scope" in refused.headers["WWW-Authenticate"]
    registry.ask("GET", f"/v2/b/blobs/{name}", 401, headers=bearer(push))
    registry.ask("GET", "/token", 401, auth=("alice", "wrong"))
    form = {"grant_type": "password", "username": "alice", "password": "secret", "service": "skiff-registry",
            "scope": "repository:a:pull"}
    posted = registry.ask("POST", "/token", 200, data=form).json()["access_token"]
    registry.ask("GET", f"/v2/a/blobs/{name}", 200, headers=bearer(posted))


def test_a_login_outlives_its_password_only_until_that_changes(registries, passwords):
    registry = registries("--auth", "token", "--htpasswd", str(passwords))
    scope = {"service": "skiff-registry", "scope": "repository:a:pull,push"}
    answer = registry.ask("GET", "/token", 200, auth=ALICE, params=scope | {"offline_token": "true"}).json()
    login = answer["refresh_token"]
    assert "refresh_token" not in registry.ask("GET", "/token", 200, auth=ALICE, params=scope).json()
    assert "refresh_token" not in registry.ask("GET", "/token", 200, params=scope | {"offline_token": "true"}).json()
    form = {"grant_type": "password", "access_type": "offline", "username": "bob", "password": "hunter2"}
    assert registry.ask("POST", "/token", 200, data=form | scope).json()["refresh_token"] != login

    def renew(text: str, status: int):
        return registry.ask("POST", "/token", status, data={"grant_type": "refresh_token", "refresh_token": text} | scope)
    renewed = renew(login, 200).json()
    assert renewed["refresh_token"] == login
    name = digest(b"x")
    registry.ask("POST", f"/v2/a/blobs/uploads/?digest={name}", 201, data=b"x", headers=bearer(renewed["access_token"]))
    # Neither is good for what the other is for.
    registry.ask("GET", "/v2/", 401, headers=bearer(login))
    renew(renewed["access_token"], 401)
    for wrong in ("", "x", login[:-8] + "AAAAAAAA", login + "."):
        renew(wrong, 401)
    registry.ask("POST", "/token", 401, data={"grant_type": "refresh_token"} | scope)
    registry.kill()
    registry.start()
    renew(login, 200)
    # Another password, or none: the login ends.
    passwords.write_text(passwords.read_text().splitlines()[1] + "\n")
    registry.process.send_signal(signal.SIGHUP)
    wait_for(lambda: registry.ask("POST", "/token", data={"grant_type": "refresh_token", "refresh_token": login}
                                  | scope).status_code == 401, 30)


def test_logins_can_be_switched_off(registries, passwords):
    registry = registries("--auth", "token", "--htpasswd", str(passwords), "--token-refresh-lifetime", "0")
    answer = registry.ask("GET", "/token", 200, auth=ALICE, params={"offline_token": "true"}).json()
    assert "refresh_token" not in answer


@pytest.mark.parametrize("form", ["key", "certificate"])
def test_tokens_of_another_service_signed_by_rsa(registries, tmp_path, form):
    key, public = tmp_path / "key.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tokens", "-days", "2",
                    "-keyout", key, "-out", public], check=True, capture_output=True)
    if form == "key":
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    registry = registries("--auth", "token", "--token-realm", "https://tokens.example/token", "--token-key", str(public),
                          "--token-issuer", "elsewhere", "--token-service", "here")

    def encode(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    def signed(header: dict, **claims) -> str:
        claims = {"iss": "elsewhere", "aud": "here", "sub": "alice", "exp": 2 ** 40,
                  "access": [{"type": "repository", "name": "a", "actions": ["pull", "push"]}]} | claims
        text = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(), check=True,
                                   capture_output=True).stdout
        return f"{text}.{encode(signature)}"
    good = {"alg": "RS256", "typ": "JWT"}
    name = digest(b"x")
    registry.ask("POST", f"/v2/a/blobs/uploads/?digest={name}", 201, data=b"x", headers=bearer(signed(good)))
    registry.ask("GET", f"/v2/b/blobs/{name}", 401, headers=bearer(signed(good)))
    for wrong in (signed({"alg": "ES256"}), signed({"alg": "none"}), signed(good, iss="other"), signed(good, aud="other"),
                  signed(good, exp=1), signed(good)[:-12] + "AAAAAAAAAAAA"):
        registry.ask("GET", "/v2/", 401, headers=bearer(wrong))


def test_damaged_tokens_are_refused(registries, passwords):
    registry = registries("--auth", "token", "--htpasswd", str(passwords))
    good = token(registry, ALICE, "repository:a:pull")
    header, claims, signature = good.split(".")

    def encode(value) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    opened = json.loads(base64.urlsafe_b64decode(claims + "=="))
    wider = encode(opened | {"access": [{"type": "repository", "name": "a", "actions": ["push"]}]})
    for wrong in ("", "x", "..", f"{header}.{claims}.", f"{header}.{wider}.{signature}", f"{header}.{claims}.AAAA",
                  f"{encode({'alg': 'none'})}.{claims}.", good[:-6] + "AAAAAA"):
        registry.ask("GET", "/v2/", 401, headers=bearer(wrong))
    registry.ask("GET", "/v2/", 200, headers=bearer(good))


def test_tokens_outlive_a_restart(registries, passwords):
    registry = registries("--auth", "token", "--htpasswd", str(passwords))
    good = token(registry, ALICE, "repository:a:pull")
    registry.kill()
    registry.start()
    registry.ask("GET", "/v2/", 200, headers=bearer(good))


def test_changed_passwords_are_read_on_sighup(registries, passwords):
    registry = registries("--htpasswd", str(passwords))
    registry.ask("GET", "/v2/", 200, auth=BOB)
    passwords.write_text(passwords.read_text().splitlines()[0] + "\n")
    registry.process.send_signal(signal.SIGHUP)
    wait_for(lambda: registry.ask("GET", "/v2/", auth=BOB).status_code == 401, 30)
    registry.ask("GET", "/v2/", 200, auth=ALICE)


def test_read_only_and_no_deletion(registries):
    registry = registries()
    registry.push_image("a", "t")
    registry.stop()
    registry.flags = ("--read-only",)
    registry.start()
    registry.ask("GET", "/v2/a/manifests/t", 200)
    assert registry.error("POST", "/v2/a/blobs/uploads/", 405) == "UNSUPPORTED"
    assert registry.error("DELETE", "/v2/a/manifests/t", 405) == "UNSUPPORTED"
    registry.stop()
    registry.flags = ("--delete=false",)
    registry.start()
    assert registry.error("DELETE", "/v2/a/manifests/t", 405) == "UNSUPPORTED"
    registry.push_image("a", "u")


@pytest.mark.parametrize("flags, word", [
    (["--bogus", "x"], "unknown flag"), (["--quota", "many"], "no size"), (["--tls-cert", "x"], "belong together"),
    (["--auth", "basic"], "needs htpasswd"), (["--listen", "ftp://x"], "invalid host"),
])
def test_wrong_settings_are_named(flags, word):
    done = subprocess.run([settings.BUILD / "skiff-registry", "serve", "--validate", *flags], capture_output=True, text=True)
    assert done.returncode == 1 and word in done.stderr


def test_weak_hashes_are_refused(tmp_path):
    (tmp_path / "htpasswd").write_text("alice:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n")
    done = subprocess.run([settings.BUILD / "skiff-registry", "serve", "--root", tmp_path / "r", "--htpasswd",
                           tmp_path / "htpasswd", "--listen", "tcp://127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "line 1" in done.stderr

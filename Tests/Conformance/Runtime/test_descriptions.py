"""`spec` and `features`: what the runtime says of itself is what it does."""

import json
import subprocess

from harness import settings


def runtime(*arguments: str, folder, status: int | None = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([settings.RUNTIME, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60 * settings.PATIENCE)
    assert status is None or done.returncode == status, (arguments, done.stdout, done.stderr)
    return done


def test_spec_writes_a_bundle_that_runs(bundle):
    (bundle.folder / "config.json").unlink(missing_ok=True)
    runtime("spec", folder=bundle.folder)
    made = json.loads((bundle.folder / "config.json").read_text())
    assert made["root"]["path"] == "rootfs" and made["process"]["args"] == ["sh"] and made["process"]["terminal"]
    refused = runtime("spec", folder=bundle.folder, status=None)
    assert refused.returncode != 0 and "exists" in refused.stderr + refused.stdout
    other = bundle.folder / "other"
    other.mkdir()
    runtime("spec", "--bundle", str(other), folder=bundle.folder)
    assert json.loads((other / "config.json").read_text()) == made
    cgroup = bundle.spec["linux"]["cgroupsPath"]
    bundle.spec = made
    bundle.spec["linux"]["cgroupsPath"] = cgroup
    bundle.process["terminal"] = False
    assert bundle.out("sh", "-c", "hostname; id -u; grep CapEff /proc/self/status").split()[1:3] == ["0", "CapEff:"]


def test_features_tell_what_config_json_may_hold(bundle):
    told = json.loads(runtime("features", folder=bundle.folder).stdout)
    assert told["ociVersionMin"] <= bundle.spec["ociVersion"] <= told["ociVersionMax"]
    assert {"createRuntime", "createContainer", "startContainer", "poststart", "poststop"} <= set(told["hooks"])
    namespaces = {one["type"] for one in bundle.spec["linux"]["namespaces"]}
    assert namespaces <= set(told["linux"]["namespaces"])
    assert told["linux"]["cgroup"]["v1"] and told["linux"]["cgroup"]["v2"] and told["linux"]["seccomp"]["enabled"]
    assert set(bundle.process["capabilities"]["bounding"]) <= set(told["linux"]["capabilities"])
    options = {option for mount in bundle.spec["mounts"] for option in mount.get("options", []) if "=" not in option}
    assert options - {"newinstance"} <= set(told["mountOptions"])
    # A namespace that is not among them is refused, not left out.
    other = next(kind for kind in ("time", "user") if kind not in told["linux"]["namespaces"])
    bundle.spec["linux"]["namespaces"].append({"type": other})
    done = bundle.run("true", status=None)
    assert done.returncode != 0 and other in done.stderr

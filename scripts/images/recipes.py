"""What each test image consists of: layers (how a root is made) and images (layers plus a config)."""

from dataclasses import dataclass, field

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """One layer: `kind` names the function in roots.py that fills it, `base` the layer below it."""

    kind: str
    base: str | None = None
    packages: tuple[str, ...] = ()
    #: Folder below rootfs/ copied over the packages.
    files: str | None = None
    #: Shell commands run in the root, as root, at the end.
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    layer: str
    config: dict = field(default_factory=dict)
    #: What the image is when the name promises something that Debian does not have.
    stands_for: str | None = None
    #: Large and rarely needed: made only when it is asked for by its name.
    on_demand: bool = False


LAYERS = {
    "busybox": Layer("busybox"),
    "alpine": Layer("alpine"),
    "hello": Layer("hello"),
    "debian": Layer("debian"),
    "nginx": Layer(
        "packages", base="debian", packages=("nginx-light", "curl", "ca-certificates"), files="nginx",
        commands=(
            "rm -rf /etc/nginx/sites-enabled /etc/nginx/sites-available",
            "ln -sf /dev/stdout /var/log/nginx/access.log",
            "ln -sf /dev/stderr /var/log/nginx/error.log",
            "useradd --system --user-group --no-create-home --home-dir /nonexistent"
            " --shell /bin/false nginx",
            "mkdir -p /docker-entrypoint.d",
        )),
    "redis": Layer(
        "packages", base="debian", packages=("redis-server", "redis-tools", "gosu"), files="redis",
        commands=("mkdir -p /data && chown redis:redis /data",)),
    "postgres": Layer(
        "packages", base="debian", packages=("postgresql-15", "gosu"), files="postgres",
        commands=(
            "rm -rf /var/lib/postgresql/15 /etc/postgresql/15",
            "mkdir -p /docker-entrypoint-initdb.d /var/lib/postgresql/data",
            "chown postgres:postgres /var/lib/postgresql/data",
            "install -d -m 3777 -o postgres -g postgres /var/run/postgresql",
            "sed -i \"s/^#*listen_addresses.*/listen_addresses = '*'/\""
            " /usr/share/postgresql/15/postgresql.conf.sample",
        )),
    "python": Layer(
        "packages", base="debian", packages=("python3", "python3-pip", "python3-venv", "ca-certificates"),
        commands=(
            "ln -s /usr/bin/python3 /usr/local/bin/python",
            "ln -s /usr/bin/python3 /usr/local/bin/python3",
            "ln -s /usr/bin/pip3 /usr/local/bin/pip",
            "ln -s /usr/bin/pip3 /usr/local/bin/pip3",
            "rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
        )),
    "node": Layer("packages", base="debian", packages=("nodejs", "npm", "ca-certificates")),
}

_shell = {"Env": [PATH], "Cmd": ["bash"]}
_nginx = {
    "Env": [PATH, "NGINX_VERSION=1.22.1"],
    "Entrypoint": ["/docker-entrypoint.sh"],
    "Cmd": ["nginx", "-g", "daemon off;"],
    "ExposedPorts": {"80/tcp": {}},
    "StopSignal": "SIGQUIT",
}
_redis = {
    "Env": [PATH],
    "Entrypoint": ["docker-entrypoint.sh"],
    "Cmd": ["redis-server"],
    "ExposedPorts": {"6379/tcp": {}},
    "Volumes": {"/data": {}},
    "WorkingDir": "/data",
}
_postgres = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin",
            "LANG=C.UTF-8", "PG_MAJOR=15", "PGDATA=/var/lib/postgresql/data"],
    "Entrypoint": ["docker-entrypoint.sh"],
    "Cmd": ["postgres"],
    "ExposedPorts": {"5432/tcp": {}},
    "Volumes": {"/var/lib/postgresql/data": {}},
    "StopSignal": "SIGINT",
}
_python = {"Env": [PATH, "LANG=C.UTF-8"], "Cmd": ["python3"]}


_node = {"Env": [PATH, "NODE_VERSION=18.20.4"], "Cmd": ["node"]}


def _same(layer: str, config: dict, text: str, *names: str, on_demand: bool = False) -> dict[str, Image]:
    return {name: Image(layer, config, text, on_demand) for name in names}


IMAGES: dict[str, Image] = {
    "busybox": Image("busybox", {"Env": [PATH], "Cmd": ["sh"]}),
    "debian:bookworm-slim": Image("debian", _shell),
    "nginx": Image("nginx", _nginx),
    "hello-world": Image("hello", {"Env": [PATH], "Cmd": ["/hello"]}),
    "alpine": Image("alpine", {"Env": [PATH], "Cmd": ["/bin/sh"]}, "BusyBox of Debian 12, no apk"),
    **_same("debian", _shell, "Debian 12", "ubuntu:20.04", "ubuntu"),
    **_same("nginx", _nginx, "nginx of Debian 12", "nginx:alpine", "nginx:1.21"),
    "redis": Image("redis", _redis),
    "redis:alpine": Image("redis", _redis, "Redis of Debian 12"),
    "postgres": Image("postgres", _postgres),
    **_same("postgres", _postgres, "PostgreSQL 15 of Debian 12", "postgres:13", "postgres:15-alpine"),
    **_same("python", _python, "Python 3.11 of Debian 12", "python:3.9-slim", "python:3.9",
            "python:3.9-alpine", "python:3.11", "python:3.11-slim", "python:3.11.7-slim-bookworm",
            "python:latest"),
    **_same("node", _node, "Node.js 18 and npm of Debian 12", "node", "node:14", "node:16", "node:16-slim",
            "node:18", on_demand=True),
}

#: Names that documents use and no recipe makes, with the reason.
LACKING = {
    "golang": "no recipe: no test compiles Go",
    "openjdk": "no recipe: no test needs Java",
    "mysql": "no recipe: Debian has MariaDB in its place, and no test needs it",
}

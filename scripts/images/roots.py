"""Fills the root folder of one layer. Runs as root in a private mount namespace (see main.py)."""

import os
import shutil
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUITE = os.environ.get("SKIFF_DEBIAN_SUITE", "bookworm")
MIRROR = os.environ.get("SKIFF_DEBIAN_MIRROR")

#: As the slim images of Debian: no documentation but licences, no translations.
SLIM = [
    "path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/info/*", "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/lintian/*", "path-exclude=/usr/share/groff/*",
]


def run(*command: str, **options) -> str:
    """Runs a command; its output is shown only when it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", **options)
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise SystemExit(f"make-images: {' '.join(command[:6])} … failed with {done.returncode}")
    return done.stdout


def again(attempt, times: int = 4):
    """Calls `attempt` until it succeeds: a mirror may fail for a moment. Pauses grow."""
    for number in range(1, times):
        try:
            return attempt()
        except SystemExit as error:
            sys.stderr.write(f"{error}; once more in {number * 5} s\n")
            time.sleep(number * 5)
    return attempt()


def need(*pairs: str) -> None:
    """Installs the packages of `command:package` pairs whose command is missing."""
    if all(shutil.which(pair.split(":")[0]) for pair in pairs):
        return
    lib = HERE.parent / "lib" / "packages.sh"
    run("bash", "-ec", f'. "{lib}"; ensure_commands "$@"', "bash", *pairs)


def write(root: Path, name: str, text: str, mode: int = 0o644) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def fill(layer, root: Path, base: Path | None, cache: Path) -> None:
    """Fills `root`, an empty folder; `base` is the root of the layer below it."""
    {"busybox": _busybox, "alpine": _alpine, "hello": _hello, "debian": _debian}.get(
        layer.kind, lambda root: _packages(layer, root, base, cache))(root)


# MARK: BusyBox

def _userland(root: Path) -> list[str]:
    """The static BusyBox at /bin/busybox and the files every Unix program expects; returns its applets."""
    need("busybox:busybox-static")
    program = next(
        (path for path in ("/bin/busybox", "/usr/bin/busybox") if Path(path).exists()), None)
    if program is None or "statically linked" not in _file_type(program):
        run("bash", "-ec", f'. "{HERE.parent}/lib/packages.sh"; ensure_packages busybox-static')
        program = "/bin/busybox"
    (root / "bin").mkdir(parents=True)
    shutil.copy2(program, root / "bin/busybox")
    for name in ("dev", "etc", "home", "proc", "root", "sys", "usr/bin", "usr/sbin", "sbin", "var/log",
                 "var/spool/mail", "var/www"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "root").chmod(0o700)
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir()
        (root / name).chmod(0o1777)
    write(root, "etc/passwd", "".join(f"{line}\n" for line in (
        "root:x:0:0:root:/root:/bin/sh", "daemon:x:1:1:daemon:/usr/sbin:/bin/false",
        "bin:x:2:2:bin:/bin:/bin/false", "sys:x:3:3:sys:/dev:/bin/false",
        "sync:x:4:100:sync:/bin:/bin/sync", "mail:x:8:8:mail:/var/spool/mail:/bin/false",
        "www-data:x:33:33:www-data:/var/www:/bin/false",
        "operator:x:37:37:Operator:/var:/bin/false",
        "nobody:x:65534:65534:nobody:/home:/bin/false")))
    write(root, "etc/group", "".join(f"{line}\n" for line in (
        "root:x:0:", "daemon:x:1:", "bin:x:2:", "sys:x:3:", "adm:x:4:", "tty:x:5:", "disk:x:6:", "lp:x:7:",
        "mail:x:8:", "kmem:x:9:", "wheel:x:10:root", "audio:x:29:", "www-data:x:33:", "utmp:x:43:",
        "video:x:44:", "staff:x:50:", "users:x:100:", "nogroup:x:65534:")))
    write(root, "etc/shadow", "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n", 0o640)
    write(root, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    return run(str(root / "bin/busybox"), "--list").split()


def _file_type(path: str) -> str:
    """'statically linked' when the ELF file at `path` has no interpreter."""
    data = Path(path).read_bytes()
    offset = int.from_bytes(data[32:40], "little")
    size, count = int.from_bytes(data[54:56], "little"), int.from_bytes(data[56:58], "little")
    kinds = [int.from_bytes(data[offset + i * size:offset + i * size + 4], "little") for i in range(count)]
    return "dynamically linked" if 3 in kinds else "statically linked"


def _busybox(root: Path) -> None:
    """Every applet is a hard link in /bin, as in the image of that name: archives with hard links get tested."""
    for applet in _userland(root):
        if applet != "busybox":
            os.link(root / "bin/busybox", root / "bin" / applet)
    os.symlink("../../bin/env", root / "usr/bin/env")


def _alpine(root: Path) -> None:
    """Every applet is a symbolic link, in the folder where Alpine has it."""
    _userland(root)
    for path in run(str(root / "bin/busybox"), "--list-full").split():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            os.symlink("/bin/busybox", target)
    write(root, "etc/alpine-release", "3.18.0\n")
    write(root, "etc/os-release", 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.0\n'
          'PRETTY_NAME="BusyBox of Debian, in place of Alpine Linux v3.18"\n')


# MARK: hello-world

def _hello(root: Path) -> None:
    need("gcc:gcc", "ld:binutils")
    run("gcc", "-Os", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie",
        "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-Wl,-z,norelro",
        "-s", "-o", str(root / "hello"), str(HERE / "hello/hello.c"))


# MARK: Debian

def _debian(root: Path) -> None:
    need("mmdebstrap:mmdebstrap")
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=directory",
               '--aptopt=Acquire::Retries "5"', '--aptopt=Acquire::http::Timeout "30"']
    command += [f"--dpkgopt={option}" for option in SLIM]

    def bootstrap() -> None:
        shutil.rmtree(root, ignore_errors=True)
        run(*command, SUITE, str(root), *([MIRROR] if MIRROR else []))

    again(bootstrap)
    # What mmdebstrap was told to do about slow mirrors is no part of an image.
    for name in (root / "etc/apt/apt.conf.d").glob("99mmdebstrap"):
        name.unlink()
    # A root made on one machine must not tell its name and resolver to the containers of another.
    write(root, "etc/hostname", "")
    write(root, "etc/resolv.conf", "")
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)


@contextmanager
def _mounted(*mounts: list[str]):
    done = []
    try:
        for arguments in mounts:
            run("mount", *arguments)
            done.append(arguments[-1])
        yield
    finally:
        for target in reversed(done):
            run("umount", target)


def _packages(layer, root: Path, base: Path, cache: Path) -> None:
    """`apt-get install` in an overlay over the base; `root` ends up holding what changed."""
    work, merged = root.with_name("work"), root.with_name("merged")
    archives, lists = cache / "apt/archives", cache / "apt/lists"
    for folder in (work, merged, archives / "partial", lists / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    overlay = f"lowerdir={base},upperdir={root},workdir={work},redirect_dir=off,metacopy=off,index=off"
    with _mounted(["-t", "overlay", "overlay", "-o", overlay, str(merged)]):
        with _mounted(
            ["-t", "proc", "proc", str(merged / "proc")],
            ["-t", "tmpfs", "-o", "mode=0755,size=1m", "tmpfs", str(merged / "dev")],
            ["-t", "tmpfs", "tmpfs", str(merged / "tmp")],
            ["-t", "tmpfs", "tmpfs", str(merged / "run")],
            ["--bind", str(archives), str(merged / "var/cache/apt/archives")],
            ["--bind", str(lists), str(merged / "var/lib/apt/lists")],
            ["--bind", "/etc/resolv.conf", str(merged / "etc/resolv.conf")],
        ):
            _install(layer, merged, lists)
        if layer.files:
            shutil.copytree(HERE / "rootfs" / layer.files, merged, dirs_exist_ok=True, symlinks=True)
        for command in layer.commands:
            run("chroot", str(merged), "/bin/sh", "-ec", command)
        _forget(merged)
    shutil.rmtree(work)
    merged.rmdir()
    _whiteouts(root)


def _install(layer, merged: Path, lists: Path) -> None:
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(merged / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        (merged / "dev" / name).chmod(0o666)
    os.symlink("/proc/self/fd", merged / "dev/fd")
    policy = merged / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    apt = ["chroot", str(merged), "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "apt-get", "-qq", "-y",
           "-o", "APT::Sandbox::User=root", "-o", "APT::Keep-Downloaded-Packages=true",
           "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "-o", "Acquire::Retries=5",
           "-o", "Acquire::http::Timeout=30", "-o", "APT::Update::Error-Mode=any"]

    def install() -> None:
        run(*apt, "install", "--no-install-recommends", *layer.packages)

    def update_and_install() -> None:
        run(*apt, "update")
        install()

    try:
        if not any(lists.glob("*_Packages*")):
            raise SystemExit("no lists yet")
        install()
    except SystemExit:
        # The lists may be older than what the mirror still serves.
        again(update_and_install)
    policy.unlink()


def _forget(merged: Path) -> None:
    """Removes what differs at every run and is of no use in an image."""
    for name in ("var/log/apt", "var/log/dpkg.log", "var/log/alternatives.log", "var/cache/ldconfig/aux-cache",
                 "var/lib/dpkg/status-old", "var/lib/dpkg/lock", "var/cache/debconf/config.dat-old",
                 "var/cache/debconf/templates.dat-old"):
        path = merged / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()


def _whiteouts(root: Path) -> None:
    """Rewrites overlay's marks as the layer format's: `.wh.<name>` files and `.wh..wh..opq`."""
    for folder, names, files in os.walk(root):
        for name in files:
            path = Path(folder) / name
            info = path.lstat()
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                path.unlink()
                (path.parent / f".wh.{name}").touch()
        for name in names:
            path = Path(folder) / name
            if path.is_symlink():
                continue
            if b"y" in _xattr(path, "trusted.overlay.opaque"):
                (path / ".wh..wh..opq").touch()


def _xattr(path: Path, name: str) -> bytes:
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return b""

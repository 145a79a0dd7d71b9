"""The command line clients: the real `docker`, and `skiff`."""

import os
import subprocess

import pexpect

from . import settings


class CommandFailed(AssertionError):
    """A client ended otherwise than the test expected."""


class Cli:
    """Runs one client against one engine. Calling it runs a command to its end."""

    def __init__(self, client: str, engine):
        self.client, self.engine = client, engine
        self.program = str(settings.BUILD / "skiff") if client == "skiff" else settings.docker_client()

    def environment(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DOCKER_", "SKIFF_"))}
        return {**kept, "DOCKER_HOST": self.engine.host, "DOCKER_CONFIG": str(self.engine.client_config),
                "TERM": "xterm", **more}

    def __call__(
        self, *arguments: str, status: int | None = 0, input: str | bytes | None = None, timeout: float = 60,
        env: dict[str, str] | None = None, cwd=None
    ) -> subprocess.CompletedProcess:
        """Runs the client and checks its exit status (`status=None`: any). Output is text, as UTF-8."""
        done = subprocess.run(
            [self.program, *map(str, arguments)], input=input.encode() if isinstance(input, str) else input,
            stdin=subprocess.DEVNULL if input is None else None, capture_output=True,
            timeout=timeout * settings.PATIENCE, env=self.environment(**(env or {})), cwd=cwd)
        done.raw = done.stdout
        done.stdout, done.stderr = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        if status is not None and done.returncode != status:
            raise CommandFailed(
                f"{self.client} {' '.join(map(str, arguments))}: exit status {done.returncode}, expected {status}\n"
                f"stdout: {done.stdout[-2000:]}\nstderr: {done.stderr[-2000:]}")
        return done

    def out(self, *arguments: str, **options) -> str:
        """Standard output without the last line's end."""
        return self(*arguments, **options).stdout.rstrip("\n")

    def popen(self, *arguments: str, **options) -> subprocess.Popen:
        """Starts the client in the background, in its own process group, with pipes."""
        for name in ("stdin", "stdout", "stderr"):
            options.setdefault(name, subprocess.PIPE)
        return subprocess.Popen(
            [self.program, *map(str, arguments)], env=self.environment(), start_new_session=True, **options)

    def terminal(self, *arguments: str, rows: int = 24, columns: int = 80) -> pexpect.spawn:
        """Starts the client on a pseudo terminal."""
        child = pexpect.spawn(
            self.program, [str(one) for one in arguments], env=self.environment(), dimensions=(rows, columns),
            timeout=15 * settings.PATIENCE, encoding="utf-8", echo=False)
        child.delaybeforesend = None
        return child

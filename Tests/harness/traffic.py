"""Real connections from and into network namespaces: who answers, and as whom the asker is seen."""

import os
import subprocess
import sys

from . import settings
from .waiting import wait_for

#: Answers every connection and datagram on a port, over both versions of IP, with the address that it comes from.
SERVER = """
import socket, sys, threading
port = int(sys.argv[1])
def seen(address): return address[0].removeprefix("::ffff:").split("%")[0].encode()
stream, datagram = socket.socket(socket.AF_INET6), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
for one in (stream, datagram):
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    one.bind(("::", port))
stream.listen(64)
def datagrams():
    while True:
        _, peer = datagram.recvfrom(2000)
        datagram.sendto(seen(peer), peer)
threading.Thread(target=datagrams, daemon=True).start()
print("ready", flush=True)
while True:
    connection, peer = stream.accept()
    try:
        connection.sendall(seen(peer))
        connection.close()
    except OSError:
        pass
"""

#: Asks such a server until it answers or the time is over; prints the answer.
CLIENT = """
import socket, sys, time
protocol, host, port, end = sys.argv[1], sys.argv[2], int(sys.argv[3]), time.monotonic() + float(sys.argv[4])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
while (left := end - time.monotonic()) > 0:
    try:
        with socket.socket(family, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM) as one:
            one.settimeout(min(left, 0.3) if protocol == "udp" else left)
            one.connect((host, port))
            if protocol == "udp":
                one.send(b"who")
            if answer := one.recv(100):
                print(answer.decode())
                sys.exit(0)
    except OSError:
        time.sleep(0.05)
sys.exit(1)
"""


class Namespace:
    """The network namespace of a process."""

    def __init__(self, pid: int):
        self.pid = pid
        self.servers: list[subprocess.Popen] = []

    @property
    def inside(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def run(self, *command: str) -> str:
        done = subprocess.run([*self.inside, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def setting(self, path: str, value: str) -> None:
        """A value below /proc/sys/net."""
        self.run("sh", "-c", f"echo {value} > /proc/sys/net/{path}")

    def serve(self, port: int) -> None:
        process = subprocess.Popen([*self.inside, sys.executable, "-c", SERVER, str(port)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE)
        self.servers.append(process)
        assert process.stdout.readline() == b"ready\n"

    def ask(self, protocol: str, host: str, port: int, seconds: float) -> str | None:
        """The address that the server sees; None where nothing answers in time."""
        done = subprocess.run([*self.inside, sys.executable, "-c", CLIENT, protocol, host, str(port), str(seconds)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    def reaches(self, protocol: str, host: str, port: int) -> bool:
        return self.ask(protocol, host, port, 10 * settings.PATIENCE) is not None

    def fails_to_reach(self, protocol: str, host: str, port: int) -> bool:
        return self.ask(protocol, host, port, 0.7) is None

    def close(self) -> None:
        for process in self.servers:
            process.kill()
            process.wait()
            process.stdout.close()
        self.servers.clear()


class Outside(Namespace):
    """A namespace of its own, joined to the engine's by a cable: another machine on its network."""

    LINK = "skt-outside"
    HOST, ADDRESS = {4: "198.51.100.1", 6: "2001:db8:64::1"}, {4: "198.51.100.2", 6: "2001:db8:64::2"}

    def __init__(self, host: Namespace):
        self.host = host
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        super().__init__(self.process.pid)
        mine = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != mine, 10, "another namespace")
        wait_for(lambda: "sleep" in open(f"/proc/{self.pid}/comm").read(), 10, "the program in it")
        host.run("ip", "link", "add", self.LINK, "type", "veth", "peer", "name", "eth0", "netns", str(self.pid))
        for space, name, addresses in ((host, self.LINK, self.HOST), (self, "eth0", self.ADDRESS)):
            space.run("ip", "address", "add", f"{addresses[4]}/24", "dev", name)
            space.run("ip", "-6", "address", "add", f"{addresses[6]}/64", "dev", name, "nodad")
            space.run("ip", "link", "set", name, "up")
            space.run("ip", "link", "set", "lo", "up")

    def close(self) -> None:
        super().close()
        self.host.run("ip", "link", "delete", self.LINK)
        self.process.kill()
        self.process.wait()

"""A line between browser and portal that a test can make slow, or cut."""

import contextlib
import socket
import threading
import time

BLOCK = 8192


class Line:
    """Listens on .port of the loopback, and forwards all bytes to the portal's port TO."""

    def __init__(self, to):
        self.to, self.speed, self.dead, self.ends = to, 0, False, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.rule = f"--host-resolver-rules=MAP localhost 127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Breaks every connection and refuses new ones."""
        self.dead = True
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.ends = []

    def mend(self):
        """Accepts connections again, at full speed."""
        self.speed, self.dead = 0, False

    def close(self):
        """Cuts the line for ever."""
        self.cut()
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if self.dead:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.to))
                self.ends += [near, far]
                for pair in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source, target, up):
        """Forwards one direction; bytes of the browser go at .speed bytes a second, if that is
        set."""
        with contextlib.suppress(OSError):
            while block := source.recv(BLOCK):
                target.sendall(block)
                if up and self.speed:
                    time.sleep(len(block) / self.speed)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

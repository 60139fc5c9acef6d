"""Runs the real window on a display of its own (Xvfb), types into it with xdotool and takes pictures with ImageMagick."""

import contextlib
import os
import subprocess
import time
from pathlib import Path

POLL_S = 0.1
NOBODY = 65534


class Missing(Exception):
    """Something did not come about in time."""


def wait_for(what, condition, seconds):
    """The first true value of condition(), asked until `seconds` are over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Missing(f"{what} did not come about within {seconds} s")
        time.sleep(POLL_S)


@contextlib.contextmanager
def display(size="1440x900"):
    """A virtual screen; gives its DISPLAY."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{size}x24", "-ac", "-nolisten", "tcp"],
        pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        with os.fdopen(reader) as number:
            yield ":" + number.readline().strip()
    finally:
        server.terminate()
        server.wait()


class Window:
    """The program `runnel`, its home below `home`, its data in `data`. Ended with the `with` that made it."""

    def __init__(self, program, screen, home, data, arguments=(), as_nobody=False):
        home = Path(home)
        for folder in ("config", "cache", "share", "run"):
            (home / folder).mkdir(parents=True, exist_ok=True)
            if as_nobody:
                os.chown(home / folder, NOBODY, NOBODY)
        (home / "run").chmod(0o700)
        self._environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DISPLAY": screen, "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_DATA_HOME": str(home / "share"), "XDG_RUNTIME_DIR": str(home / "run"),
            "QT_QPA_PLATFORM": "xcb", "QT_QUICK_BACKEND": "software"}
        self.errors = home / "stderr.txt"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [str(program), "--data-dir", str(data), *map(str, arguments)], env=self._environment,
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, user=NOBODY if as_nobody else None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def running(self):
        return self.process.poll() is None

    def _xdotool(self, *arguments):
        return subprocess.run(["xdotool", *arguments], env=self._environment, capture_output=True, text=True, check=False)

    def wait_until_shown(self, seconds=30):
        """Waits until the window is on the screen, and gives it the keyboard, which no window manager does here."""
        def shown():
            if not self.running():
                raise Missing(f"the program ended with code {self.process.returncode}: {self.last_error()}")
            return self._xdotool("search", "--onlyvisible", "--name", "Runnel").stdout.split()
        self._xdotool("windowfocus", "--sync", wait_for("the window", shown, seconds)[0])

    def press(self, *keys):
        self._xdotool("key", *keys)

    def type(self, text):
        """Types where the keyboard's focus is: in a new window, in the composer."""
        self._xdotool("type", "--delay", "20", text)

    def picture(self, file):
        """Saves what the screen shows and gives the number of its colours: an empty screen has one."""
        subprocess.run(["import", "-window", "root", str(file)], env=self._environment, check=True)
        colours = subprocess.run(["identify", "-format", "%k", str(file)], capture_output=True, text=True, check=True)
        return int(colours.stdout)

    def terminate(self, seconds=10):
        """Asks the program to end; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=seconds)

    def last_error(self):
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "(nothing on stderr)"

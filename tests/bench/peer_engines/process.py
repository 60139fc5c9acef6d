"""Runs programs and tells what they said, how long they took, and how much memory they had."""

import os
import subprocess
import tempfile
import time


class Failed(Exception):
    """A program did not do what it was asked."""


class Finished:
    def __init__(self, output, seconds, peak_bytes):
        self.output = output
        self.seconds = seconds
        self.peak_bytes = peak_bytes


def run(command, environment=None):
    """What the program prints. Throws Failed with the end of what it wrote to standard error."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        child = subprocess.Popen([os.fspath(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=errors, env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if child.returncode != 0:
            raise Failed(f"{command[0]} ended with {child.returncode}: {errors.read()[-400:].strip()}")
        return Finished(output.read(), seconds, usage.ru_maxrss * 1024)

"""The measurements: each runs programs of the build and keeps what they say as JSON."""

import json
import os
import shutil
import subprocess

WINDOW = 512
SEGMENT = 100  # tokens of a piece that is predicted from a window evaluated anew
PIECES = 20
SHORT = 50_000

SETTINGS = {
    "keep-0": ["--ctx-size", "512", "--n-keep", "0"],
    "keep-1": ["--ctx-size", "512", "--n-keep", "1"],
    "keep-4": ["--ctx-size", "512", "--n-keep", "4"],
    "keep-16": ["--ctx-size", "512", "--n-keep", "16"],
    "discard-half": ["--ctx-size", "512", "--n-keep", "4", "--n-discard", "-1"],
    "ctx-2048": ["--ctx-size", "2048", "--n-keep", "4"],
}


class Failed(Exception):
    """A program did not do what it was asked."""


class Interrupted(Exception):
    """A program was stopped and can go on."""


class Machine:
    """The programs, the model, the text, and the folder with what was measured."""

    def __init__(self, programs, model, folder, text):
        self.programs = programs
        self.model = os.fspath(model)
        self.folder = folder
        self.text = text

    def run(self, program, *arguments, capture=True, input=None):
        command = [os.fspath(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, input=input, stdout=subprocess.PIPE if capture else None, text=True)
        if done.returncode == 130:
            raise Interrupted
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)} failed.")
        return done.stdout

    def cli(self, command, *arguments, input=None):
        return self.run("runnel-cli", command, self.model, *arguments, input=input)

    def keep(self, name, measured):
        """What was measured under this name, measured now where it was not."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            result = measured()
            waiting = path.with_suffix(".part")
            waiting.write_text(json.dumps(result, indent=1) + "\n")
            waiting.replace(path)
        return json.loads(path.read_text())


def long_text(options):
    """A file with the text: the one that was named, else the King James Bible of Debian's package, a verse a line."""
    if options.text:
        return options.text
    path = options.folder / "text.txt"
    if not path.exists():
        if not shutil.which("bible"):
            raise Failed("Debian's package bible-kjv is needed for the text; install it or name a file with --text.")
        verses = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], check=True, stdout=subprocess.PIPE, text=True).stdout
        path.write_text("".join(line.split(" ", 1)[1] + "\n" for line in verses.splitlines() if " " in line))
    return path


def long_run(machine, name, tokens, arguments):
    path = machine.folder / f"{name}.json"
    if not path.exists():
        machine.run("bench_long_run", machine.model, machine.text, path, "--tokens", tokens, *arguments, capture=False)


def long(machine, tokens):
    long_run(machine, "long", tokens, ["--ctx-size", WINDOW, "--timed", 1000])


def settings(machine, tokens):
    for name, arguments in SETTINGS.items():
        long_run(machine, f"settings-{name}", min(SHORT, tokens), arguments)


def recompute(machine, tokens):
    """For each piece the mean −log p of its tokens, each predicted from the WINDOW tokens before it, evaluated anew."""
    for piece in range(PIECES):
        first = int((piece + 0.5) * tokens / PIECES) // SEGMENT * SEGMENT
        machine.keep(f"recompute-{piece:02}", lambda: {
            "from": first,
            "tokens": SEGMENT,
            **json.loads(machine.cli("perplexity", "--file", machine.text, "--mode", "recompute", "--ctx-size", WINDOW,
                                     "--score", f"{first}-{first + SEGMENT - 1}", "--segment", 10**9, "--json")),
        })
        print(f"piece {piece + 1} of {PIECES}", flush=True)


def eviction(machine, _):
    machine.keep("eviction", lambda: json.loads(machine.run("bench_eviction_cost", machine.model)))


def runs(machine, _):
    machine.keep("runs", lambda: json.loads(machine.run("bench_runs_cost", machine.model)))


def messages(machine, _):
    machine.keep("messages", lambda: json.loads(machine.run("bench_message_eviction", machine.model)))


def speed(machine, _):
    def measured():
        rows = []
        for window in (256, 512, 1024, 2048):
            report = json.loads(machine.cli("bench", "-p", window, "-n", 200, "--depth", window, "--ctx-size", window,
                                            "--n-keep", 4, "--rounds", 5, "--json"))
            rows.append({"window": window, "anew_ms": 1000 * window / report["prefill"][0]["tps"],
                         "step_ms": report["decode"][0]["gap_ms"]["p50"]})
        return rows
    machine.keep("speed", measured)

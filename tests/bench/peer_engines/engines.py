"""The engines, each in its best mode. All give figures of the same names: tokens per second of prefill and decode,
seconds until a new process has its first token, megabytes of memory at its peak."""

import json
import pathlib

from .process import run

PREFILL = (128, 512, 2048)
DEPTHS = (0, 512, 4096)
GENERATED = 64


def prefill_name(tokens):
    return f"prefill {tokens}, tokens/s"


def decode_name(depth):
    return f"decode at {depth}, tokens/s"


FIRST_TOKEN = "first token of a new process, s"
MEMORY = "peak memory, MB"


class Runnel:
    name = "Runnel"

    def __init__(self, program, threads, isa=None):
        self.program = program
        self.threads = threads
        self.environment = {"RUNNEL_ISA": isa} if isa else {}

    def bench(self, model, *arguments):
        done = run([self.program, "bench", model, "--threads", str(self.threads), "--rounds", "1", "-n", str(GENERATED),
                    "--json", *arguments], self.environment)
        return json.loads(done.output)

    def prefill(self, model):
        report = self.bench(model, "-p", ",".join(map(str, PREFILL)), "--depth", "0", "--ctx-size", "4096")
        return {prefill_name(row["tokens"]): row["tps"] for row in report["prefill"]}

    def decode(self, model):
        report = self.bench(model, "-p", "16", "--depth", ",".join(map(str, DEPTHS)), "--ctx-size",
                            str(max(DEPTHS) + GENERATED + 1))
        return {decode_name(row["depth"]): row["tps"] for row in report["decode"]}

    def start(self, model):
        done = run([self.program, "generate", model, "--threads", str(self.threads), "--ctx-size", "512", "--prompt",
                    "Once upon a time there was a small house at the edge of a wide", "-n", "1"], self.environment)
        return {FIRST_TOKEN: done.seconds, MEMORY: done.peak_bytes / 1e6}


class LlamaBench:
    """llama.cpp and what comes of it, by its own measuring program."""

    def __init__(self, name, program, threads, mode, has_depth):
        self.name = name
        self.program = program
        self.threads = threads
        self.mode = mode
        self.has_depth = has_depth

    def bench(self, model, *arguments):
        done = run([self.program, "-m", model, "-t", str(self.threads), "-r", "1", "-o", "json", *self.mode,
                    *arguments])
        return json.loads(done.output[done.output.index("["):]), done

    def prefill(self, model):
        rows, _ = self.bench(model, "-p", ",".join(map(str, PREFILL)), "-n", "0")
        return {prefill_name(row["n_prompt"]): row["avg_ts"] for row in rows}

    def decode(self, model):
        deep = [str(depth) for depth in DEPTHS if depth > 0]
        if self.has_depth:
            rows, _ = self.bench(model, "-p", "0", "-n", str(GENERATED), "-d", ",".join(["0", *deep]))
            return {decode_name(row["n_depth"]): row["avg_ts"] for row in rows}
        after = [part for depth in deep for part in ("-gp", f"{depth},{GENERATED}")]
        rows, _ = self.bench(model, "-p", "0", "-n", str(GENERATED), *after)
        return {decode_name(row["n_prompt"]): row["avg_ts"] for row in rows if row["n_gen"] > 0}

    def start(self, model):
        warm = ["--no-warmup"] if self.has_depth else ["-w", "0"]
        _, done = self.bench(model, "-p", "16", "-n", "1", *warm)
        return {FIRST_TOKEN: done.seconds, MEMORY: done.peak_bytes / 1e6}


class PythonEngine:
    """An engine that is a Python module: a script of ours drives it in a process of its own."""

    def __init__(self, name, python, script, threads):
        self.name = name
        self.python = python
        self.script = pathlib.Path(__file__).with_name(script)
        self.threads = threads

    def figures(self, kind, model):
        done = run([self.python, self.script, kind, model, str(self.threads)])
        figures = json.loads(done.output.splitlines()[-1])
        if kind == "start":
            figures[MEMORY] = done.peak_bytes / 1e6
        return figures

    def prefill(self, model):
        return self.figures("prefill", model)

    def decode(self, model):
        return self.figures("decode", model)

    def start(self, model):
        return self.figures("start", model)

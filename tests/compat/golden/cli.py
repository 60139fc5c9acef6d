"""runnel-cli as a function of token ids."""

import json
import subprocess

import numpy

EXACT = {"weight_dtype": "f32", "compute_dtype": "f32", "kv_type": "f32"}
SECONDS = 300  # the networks are tiny: what takes longer hangs


class CliError(Exception):
    """The program failed; the text is its last line."""


class Cli:
    """Runs the program; what passes between it and the caller lies in `folder`."""

    def __init__(self, program, threads, folder):
        self._program = program
        self._threads = threads
        self._folder = folder

    def logits(self, model, ids, **settings):
        """[tokens, vocabulary]. The settings are the program's options: ctx_size=64 is --ctx-size=64."""
        return self._run("logits", model, tokens=self._write_ids(ids), **settings)

    def logits_and_maps(self, model, ids, positions, **settings):
        """The same after the tokens at `positions` alone, and for each the original positions that are cached then.

        Batches end at these positions."""
        map_path = self._folder / "map.json"
        logits = self._run("logits", model, tokens=self._write_ids(ids), positions=",".join(map(str, positions)),
                           cache_map=map_path, **settings)
        maps = json.loads(map_path.read_text())
        return logits, [maps[str(position)] for position in positions]

    def replay(self, model, operations, **settings):
        """Logits and cached original positions after each operation that emits."""
        script, map_path = self._folder / "script.jsonl", self._folder / "map.json"
        script.write_text("".join(json.dumps(operation) + "\n" for operation in operations))
        logits = self._run("replay", model, script=script, cache_map=map_path, **settings)
        return logits, json.loads(map_path.read_text())

    def _write_ids(self, ids):
        path = self._folder / "ids.txt"
        path.write_text(" ".join(str(number) for number in ids))
        return path

    def _run(self, subcommand, model, **settings):
        output = self._folder / "logits.npy"
        settings.update(output=output, threads=self._threads)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        try:
            done = subprocess.run([self._program, subcommand, model, *options], capture_output=True, text=True,
                                  timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise CliError(f"{subcommand} is not done after {SECONDS} s") from None
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise CliError(f"{subcommand} exits with {done.returncode}: {lines[-1]}")
        return numpy.load(output)

"""What runnel-cli must answer to bad input: one line that says what is wrong, and an exit code, never a crash."""

import contextlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import gguf

FAILURE, USAGE = 1, 2
ERROR_LINE = re.compile(r"runnel-cli: error: \S.*")
SECONDS = 120
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
MESSAGES = [{"role": "user", "content": "Hello"}]


@dataclass
class Outcome:
    case: str
    sentence: str
    code: int
    faults: list


class Cli:
    """Runs the program and judges what it says."""

    def __init__(self, program, folder):
        self._program = program
        self._folder = folder
        self.outcomes = []

    def run(self, *arguments, text=None):
        return subprocess.run([str(self._program), *map(str, arguments)], input=text, capture_output=True, text=True,
                              errors="replace", timeout=SECONDS, cwd=self._folder, check=False)

    def refuses(self, case, arguments, *named, code=FAILURE):
        """The run must fail with `code` and a sentence that matches every pattern in `named`."""
        with self._judged(case) as outcome:
            result = self.run(*arguments)
            lines = result.stderr.splitlines()
            outcome.code = result.returncode
            outcome.sentence = lines[0] if lines else ""
            if result.returncode < 0:
                outcome.faults.append(f"died of signal {-result.returncode}")
            elif result.returncode != code:
                outcome.faults.append(f"exit code {result.returncode}, not {code}")
            if code == FAILURE and (len(lines) != 1 or not ERROR_LINE.fullmatch(lines[0])):
                outcome.faults.append(f"{len(lines)} lines on stderr, not one \"runnel-cli: error: …\"")
            outcome.faults += [f"does not say {name}" for name in named if not re.search(name, result.stderr)]

    def accepts(self, case, arguments, text=None):
        """The run must succeed."""
        with self._judged(case) as outcome:
            result = self.run(*arguments, text=text)
            outcome.code = result.returncode
            outcome.sentence = (result.stderr.splitlines() or ["(works)"])[0]
            if result.returncode != 0:
                outcome.faults.append(f"exit code {result.returncode}, not 0")

    @contextlib.contextmanager
    def _judged(self, case):
        outcome = Outcome(case, "", 0, [])
        self.outcomes.append(outcome)
        try:
            yield outcome
        except subprocess.TimeoutExpired:
            outcome.faults.append(f"no end within {SECONDS} s")


@contextlib.contextmanager
def patched(copy, offset, patch):
    """Overwrites bytes of `copy`, and puts the old ones back."""
    with open(copy, "r+b") as file:
        file.seek(offset)
        before = file.read(len(patch))
        file.seek(offset)
        file.write(patch)
    try:
        yield copy
    finally:
        with open(copy, "r+b") as file:
            file.seek(offset)
            file.write(before)


def broken_files(cli, folder, model):
    """Files that are no models, or hostile ones."""
    noise = random.Random(1).randbytes(4096)
    huge = 1 << 63
    architecture = gguf.text_key(b"general.architecture", b"llama")
    with open(model, "rb") as file:
        beginning = file.read(Path(model).stat().st_size // 2)
    files = {
        "empty": b"",
        "truncated": beginning,
        "foreign": PNG,
        "noise-after-magic": b"GGUF" + noise,
        "noise-after-version": gguf.header()[:8] + noise,
        "tensors-2-to-63": gguf.header(tensors=huge, keys=1) + architecture,
        "keys-2-to-63": gguf.header(keys=huge) + architecture,
        "text-of-8-eb": gguf.header(keys=1) + struct.pack("<Q", 20) + b"general.architecture" + struct.pack("<IQ", gguf.STRING, huge),
        "key-of-length-0": gguf.header(keys=1) + struct.pack("<QII", 0, 4, 7),
        "array-of-2-to-62": gguf.header(keys=1) + struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", gguf.ARRAY, 10, huge >> 1),
        "version-99": gguf.header(version=99, keys=1) + architecture,
        "big-endian": gguf.header(keys=1, order=">") + bytes(64),
    }
    cli.refuses("missing file", ["inspect", folder / "missing.gguf"], "missing.gguf")
    for name, content in files.items():
        path = folder / f"{name}.gguf"
        path.write_bytes(content)
        cli.refuses(name.replace("-", " "), ["inspect", path], path.name)
        path.unlink()


def patched_models(cli, folder, copy):
    """A real model with a few bytes changed."""
    places = gguf.Gguf(copy)
    tokens = folder / "tokens.txt"
    tokens.write_text("1 2 3")
    messages = folder / "messages.json"
    messages.write_text(json.dumps(MESSAGES))
    logits = ["logits", copy, "--tokens", tokens, "--output", folder / "out.npy"]

    offset, name = places.texts["general.architecture"]
    with patched(copy, offset, b"q" * len(name)):
        cli.refuses("unknown architecture", ["inspect", copy], "q" * len(name))
    tensor = next(name for name in places.types if name.startswith("blk.0.ffn"))
    with patched(copy, places.types[tensor], struct.pack("<I", 39)):
        cli.refuses("tensor of type 39", ["inspect", copy], re.escape(tensor), r"\b39\b", "Q4_K")
    offset, name = places.texts["tokenizer.ggml.pre"]
    with patched(copy, offset, b"z" * len(name)):
        cli.refuses("unknown pre-tokenizer, tokenize", ["tokenize", copy, "--text", "Hello"], "z" * len(name))
        cli.refuses("unknown pre-tokenizer, generate", ["generate", copy, "--prompt", "Hello", "-n", "1"], "z" * len(name))
        cli.accepts("unknown pre-tokenizer, inspect", ["inspect", copy])
        cli.accepts("unknown pre-tokenizer, logits", logits)
    offset, text = places.texts["tokenizer.chat_template"]
    with patched(copy, offset, b"\n{% frobnicate %}"[:len(text)]):
        cli.refuses("unknown template construct, render", ["render", copy, "--messages", messages], "line 2", "frobnicate")
        cli.accepts("unknown template construct, chat", ["chat", copy, "-n", "4"], text="Hello\n")


def bad_settings(cli, model):
    """Settings out of range: the sentence names the setting, the value and what is allowed."""
    generate = ["generate", model, "--prompt", "Hello", "-n", "1"]
    for case, options, *named in (
            ("ctx_size 8", ["--ctx-size", "8"], "ctx_size", r"\b8\b", "16"),
            ("ctx_size above the trained context", ["--ctx-size", "999999"], "ctx_size", "999999", "trained"),
            ("n_keep 63 of 64", ["--ctx-size", "64", "--n-keep", "63"], "n_keep|n_discard", "63", "62"),
            ("n_keep 64 of 64", ["--ctx-size", "64", "--n-keep", "64"], "n_keep", "64", "62"),
            ("n_keep -1", ["--n-keep", "-1"], "n_keep", "-1"),
            ("n_discard 0", ["--n-discard", "0"], "n_discard", r"\b0\b"),
            ("n_discard 60 of 64", ["--ctx-size", "64", "--n-discard", "60"], "n_discard", "60", "59"),
            ("batch 0", ["--batch", "0"], "batch", r"\b0\b", "1"),
            ("temperature -1", ["--temperature", "-1"], "temperature", "-1", "0"),
            ("temperature nan", ["--temperature", "nan"], "temperature", "nan"),
            ("top_p 2", ["--top-p", "2"], "top_p", r"\b2\b", "0 to 1"),
            ("min_p -0.5", ["--min-p", "-0.5"], "min_p", "-0.5", "0 to 1")):
        cli.refuses(case, [*generate, *options], *named)
    for case, options, *named in (
            ("kv-type q3", ["--kv-type", "q3"], "q3", "f16"),
            ("isa mmx", ["--isa", "mmx"], "mmx", "avx2"),
            ("log-level loud", ["--log-level", "loud"], "loud", "debug"),
            ("compute-dtype int3", ["--compute-dtype", "int3"], "int3", "int8"),
            ("weight-dtype int3", ["--weight-dtype", "int3"], "int3", "f32")):
        cli.refuses(case, [*generate, *options], *named, code=USAGE)
    for case, arguments, *named in (
            ("no subcommand", []),
            ("unknown subcommand", ["frobnicate", model], "frobnicate"),
            ("unknown option", [*generate, "--frobnicate"], "frobnicate"),
            ("ctx_size many", [*generate, "--ctx-size", "many"], "ctx-size", "many"),
            ("threads -1", [*generate, "--threads", "-1"], "threads", "-1")):
        cli.refuses(case, arguments, *named, code=USAGE)


def bad_tokens_and_outputs(cli, folder, model):
    """Token files that hold something else, and places that can't be written."""
    tokens = folder / "tokens.txt"
    logits = ["logits", model, "--tokens", tokens, "--output"]
    for case, content, *named in (
            ("token id out of range", "1 99999999", "99999999"),
            ("token id negative", "1 -5", "-5"),
            ("token id no number", "1 two 3", "tokens.txt", "two"),
            ("token id beyond 32 bits", "1 4294967297", "tokens.txt", "4294967297"),
            ("no token ids", "", "tokens.txt", "no token")):
        tokens.write_text(content)
        cli.refuses(case, [*logits, folder / "out.npy"], *named)
    tokens.write_text("1 2 3")
    cli.refuses("position that is not fed", [*logits, folder / "out.npy", "--positions", "7"], r"\b7\b")
    cli.refuses("output in a folder that is missing", [*logits, folder / "none" / "out.npy"], "none/out.npy")
    cli.refuses("output that is a folder", [*logits, folder], re.escape(str(folder)))
    cli.refuses("output on a full disk", [*logits, "/dev/full"], "/dev/full")
    cli.refuses("cache log in a folder that is missing",
                ["generate", model, "--prompt", "Hello", "-n", "1", "--cache-log", folder / "none" / "log"], "none/log")
    cli.refuses("detokenize out of range", ["detokenize", model, "--ids", "99999999"], "99999999")
    cli.refuses("detokenize no number", ["detokenize", model, "--ids", "1,two"], "two", code=USAGE)
    cli.refuses("missing prompt file", ["generate", model, "--file", folder / "missing.txt"], "missing.txt")
    for case, content in (("messages no JSON", "["), ("messages no list", "{}"), ("message without a role", '[{"content": "x"}]')):
        messages = folder / "messages.json"
        messages.write_text(content)
        cli.refuses(case, ["render", model, "--messages", messages], "messages.json")


def bad_folders(cli, folder):
    """Hugging Face folders with something missing or of the wrong type."""
    path = folder / "hf-model"
    path.mkdir()
    cli.refuses("empty Hugging Face folder", ["inspect", path], "hf-model")
    config = path / "config.json"
    (path / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    for case, content, *named in (
            ("config.json cut off", '{"architectures": [', "config.json"),
            ("config.json a list", "[]", "config.json"),
            ("config.json, architectures a number", '{"architectures": 5}', "config.json", "architecture"),
            ("config.json, hidden_size a text",
             '{"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": "big"}',
             "hidden_size"),
            ("config.json, unknown architecture", '{"architectures": ["Frobnicator"]}', "Frobnicator")):
        config.write_text(content)
        cli.refuses(case, ["inspect", path], *named)


def run(program, model, folder):
    """All cases; gives their outcomes."""
    cli = Cli(program, folder)
    copy = folder / "model.gguf"
    shutil.copyfile(model, copy)
    broken_files(cli, folder, copy)
    patched_models(cli, folder, copy)
    bad_settings(cli, copy)
    bad_tokens_and_outputs(cli, folder, copy)
    bad_folders(cli, folder)
    os.unlink(copy)
    return cli.outcomes

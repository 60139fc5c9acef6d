"""Models with random weights: Llamas of 1.0 billion, the smallest size that no cache of a processor holds."""

import pathlib

from .process import run

LAYERS, WIDTH, HIDDEN, HEADS, TRAINED = 32, 1536, 4096, 12, 8192


def needed(environment, folder):
    """Makes what is missing; returns the files by name."""
    files = {}
    for vocabulary in ("pieces", "bytes"):
        plain = folder / f"llama-1b-{vocabulary}-f16.gguf"
        kinds = ("Q4_0", "Q4_K_M") if vocabulary == "pieces" else ("Q4_0",)
        for kind in kinds:
            name = f"llama-1b-{kind}" + ("" if vocabulary == "pieces" else "-bytes")
            files[name] = folder / f"{name}.gguf"
            if files[name].exists():
                continue
            if not plain.exists():
                run([environment.python, pathlib.Path(__file__).with_name("write_llama.py"), vocabulary, plain])
            waiting = files[name].with_suffix(".part")
            run([environment.program("llama.cpp", "llama-quantize"), plain, waiting, kind])
            waiting.rename(files[name])
        plain.unlink(missing_ok=True)
    return files

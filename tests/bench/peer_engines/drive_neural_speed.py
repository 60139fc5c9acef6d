"""Drives Neural Speed and prints figures as JSON. Usage: drive_neural_speed.py prefill|decode|start MODEL THREADS"""

import json
import pathlib
import sys
import time

START = time.perf_counter()

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from peer_engines.engines import (DEPTHS, FIRST_TOKEN, GENERATED, PREFILL, decode_name,  # the line above makes it one
                                  prefill_name)
from peer_engines.neural_engine import load


def times(model, prompt, generated):
    """When each token of the answer to a prompt of so many tokens came, in seconds from the call."""
    ids = [[1] + [1000 + i * 7919 % 20_000 for i in range(prompt - 1)]]
    found = []
    start = time.perf_counter()
    for _ in range(generated):
        model.generate(input_ids=ids)
        ids = []
        found.append(time.perf_counter() - start)
    return found


def main():
    kind, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    figures = {}
    if kind == "start":
        times(load(path, 512, threads), 16, 1)
        figures[FIRST_TOKEN] = time.perf_counter() - START
    for tokens in PREFILL if kind == "prefill" else ():
        model = load(path, tokens + 64, threads)
        figures[prefill_name(tokens)] = tokens / times(model, tokens, 1)[0]
    for depth in DEPTHS if kind == "decode" else ():
        found = times(load(path, depth + GENERATED + 64, threads), max(depth, 16), GENERATED + 1)
        figures[decode_name(depth)] = (len(found) - 1) / (found[-1] - found[0])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

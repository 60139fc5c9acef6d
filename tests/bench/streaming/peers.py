#!/usr/bin/env python3
"""What forgetting costs in other programs: the stall of a step that drops part of the cache, beside steps that do not.

llama.cpp (Python package llama-cpp-python): half is dropped and the rest is shifted, as its own programs do. OpenVINO
GenAI (openvino-genai): its cache eviction, which drops blocks of 32 tokens. Neural Speed (neural-speed, and gguf to
prepare the model): half is dropped and what is left is evaluated again. What is not installed is left out. Writes the file
`peers.json`, which `prove` makes part of its table when it lies in its folder.

Usage: tests/bench/streaming/peers.py MODEL.gguf FOLDER [--threads 2]
"""

import argparse
import ctypes
import json
import pathlib
import statistics
import time

import rolling_neural_speed

SIZES = (256, 1024, 4096)
SINKS = 4


def milliseconds(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


class LlamaCpp:
    """One context of llama.cpp, fed token by token or in batches."""

    def __init__(self, model_path, ctx_size, threads):
        import llama_cpp
        self.lib = llama_cpp
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(model_path.encode(), llama_cpp.llama_model_default_params())
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = ctx_size
        parameters.n_batch = 512
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.past = 0
        self.drawn = 0

    def feed(self, count):
        ids = (ctypes.c_int32 * count)(*(12_000 + (self.drawn + i) * 7919 % 20_000 for i in range(count)))
        self.drawn += count
        batch = self.lib.llama_batch_get_one(ids, count)
        if self.lib.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        self.past += count

    def shift(self):
        dropped = (self.past - SINKS) // 2
        self.lib.llama_memory_seq_rm(self.memory, 0, SINKS, SINKS + dropped)
        self.lib.llama_memory_seq_add(self.memory, 0, SINKS + dropped, self.past, -dropped)
        self.past -= dropped

    def close(self):
        self.lib.llama_free(self.context)
        self.lib.llama_model_free(self.model)


def llama_cpp(model, threads):
    for ctx_size in SIZES:
        peer = LlamaCpp(model, ctx_size, threads)
        stalls, plain = [], []
        for _ in range(7):
            while peer.past < ctx_size - 1:
                peer.feed(min(256, ctx_size - 1 - peer.past))

            def step():
                peer.shift()
                peer.feed(1)
            shifted = milliseconds(step)
            beside = statistics.median(milliseconds(lambda: peer.feed(1)) for _ in range(20))
            stalls.append(shifted - beside)
            plain.append(beside)
        peer.close()
        yield {"peer": "llama.cpp, context shift", "ctx_size": ctx_size, "step_ms": statistics.median(plain),
               "stall_ms": statistics.median(stalls)}


def openvino(model, threads):
    import openvino_genai
    for ctx_size in SIZES:
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.use_cache_eviction = True
        scheduler.cache_eviction_config = openvino_genai.CacheEvictionConfig(
            start_size=32, recent_size=128, max_cache_size=ctx_size,
            aggregation_mode=openvino_genai.AggregationMode.NORM_SUM)
        pipeline = openvino_genai.LLMPipeline(model, "CPU", scheduler_config=scheduler, INFERENCE_NUM_THREADS=threads)
        times = []

        def note(_):
            times.append(time.perf_counter())
            return openvino_genai.StreamingStatus.RUNNING
        generation = openvino_genai.GenerationConfig(max_new_tokens=800, ignore_eos=True, do_sample=False)
        pipeline.generate("word " * (ctx_size - 100), generation, note)
        gaps = sorted((after - before) * 1000 for before, after in zip(times[200:], times[201:]))
        evicting = gaps[-len(gaps) // 32:]  # one step in 32 drops a block
        yield {"peer": "OpenVINO GenAI, cache eviction", "ctx_size": ctx_size, "step_ms": statistics.median(gaps),
               "stall_ms": statistics.median(evicting) - statistics.median(gaps)}


def evaluating_again(model, threads):
    for ctx_size in SIZES:
        times = rolling_neural_speed.gaps(model, ctx_size, threads)
        step = statistics.median(times)
        yield {"peer": "Neural Speed, evaluating again", "ctx_size": ctx_size, "step_ms": step,
               "stall_ms": statistics.median(gap for gap in times if gap > 5 * step) - step}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    rows = []
    for measured in (llama_cpp, evaluating_again, openvino):
        try:
            for row in measured(options.model, options.threads):
                print(row, flush=True)
                rows.append(row)
        except ImportError as missing:
            print(f"left out: {missing}")
    (options.folder / "peers.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

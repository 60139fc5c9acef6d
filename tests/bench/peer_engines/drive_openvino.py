"""Drives OpenVINO GenAI and prints figures as JSON. Usage: drive_openvino.py prefill|decode|start MODEL THREADS"""

import json
import pathlib
import sys
import time

START = time.perf_counter()

import numpy
import openvino
import openvino_genai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from peer_engines.engines import (DEPTHS, FIRST_TOKEN, GENERATED, PREFILL, decode_name,  # the line above makes it one
                                  prefill_name)


class Clock(openvino_genai.StreamerBase):
    def __init__(self):
        super().__init__()
        self.times = []

    def write(self, _):
        self.times.append(time.perf_counter())
        return openvino_genai.StreamingStatus.RUNNING

    def end(self):
        pass


class Pipeline:
    def __init__(self, model, threads):
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.enable_prefix_caching = False  # or a prompt that repeats costs nothing
        scheduler.max_num_batched_tokens = 4096
        self.pipeline = openvino_genai.LLMPipeline(model, "CPU", scheduler_config=scheduler,
                                                   INFERENCE_NUM_THREADS=threads)
        self.drawn = 0

    def times(self, prompt, generated):
        """When each token of the answer to a prompt of so many tokens came, in seconds from the call."""
        ids = numpy.array([[1000 + (self.drawn + i) * 7919 % 20_000 for i in range(prompt)]], dtype=numpy.int64)
        self.drawn += prompt
        inputs = openvino_genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(numpy.ones_like(ids)))
        settings = openvino_genai.GenerationConfig(max_new_tokens=generated, ignore_eos=True, do_sample=False)
        clock = Clock()
        start = time.perf_counter()
        self.pipeline.generate(inputs, settings, clock)
        return [at - start for at in clock.times]


def main():
    kind, model, threads = sys.argv[1:]
    pipeline = Pipeline(model, int(threads))
    if kind == "start":
        pipeline.times(16, 1)
        print(json.dumps({FIRST_TOKEN: time.perf_counter() - START}))
        return
    pipeline.times(32, 8)  # to warm up
    if kind == "prefill":
        print(json.dumps({prefill_name(tokens): tokens / pipeline.times(tokens, 1)[0] for tokens in PREFILL}))
        return
    figures = {}
    for depth in DEPTHS:
        times = pipeline.times(max(depth, 1), GENERATED + 1)
        figures[decode_name(depth)] = (len(times) - 1) / (times[-1] - times[0])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

"""Round to nearest (RTN), written a second time, and folders whose matrices are what the integers stand for."""

import dataclasses
import json

import numpy

from golden import safetensors

# Never rounded by the engine: routers choose experts by small differences, and learned positions are only added.
EXACT = ("block_sparse_moe.gate.weight", "wpe.weight", "embed_positions.weight")
# Rounded to symmetric int8 where the others are int4.
VOCABULARY = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight", "lm_head.weight",
              "embed_out.weight", "output_layer.weight")


@dataclasses.dataclass(frozen=True)
class Mode:
    bits: int
    group_size: int
    symmetric: bool

    @property
    def weight_dtype(self):
        return f"int{self.bits}"

    @property
    def scheme(self):
        return "sym" if self.symmetric else "asym"


MODES = [Mode(bits, group_size, symmetric)
         for bits in (4, 8) for symmetric in (True, False) for group_size in (32, 64, 128, -1)]


def rounded_group(weights, mode):
    """What the integers of one group a row stand for; [rows, group] → the same in float32."""
    low = numpy.minimum(weights.min(axis=1, keepdims=True), 0)
    high = numpy.maximum(weights.max(axis=1, keepdims=True), 0)
    steps = 2 ** (mode.bits - 1) - 1 if mode.symmetric else 2 ** mode.bits - 1
    scale = (numpy.maximum(-low, high) if mode.symmetric else high - low) / steps
    divisor = numpy.where(scale == 0, 1, scale)
    zero = 0 if mode.symmetric else numpy.rint(-low / divisor)
    q = numpy.clip(numpy.rint(weights / divisor) + zero, -steps if mode.symmetric else 0, steps)
    return scale.astype(numpy.float32) * (q - zero).astype(numpy.float32)


def rounded(matrix, mode):
    """Groups run along the inputs; the last one of a row may be shorter."""
    columns = matrix.shape[1]
    size = columns if mode.group_size == -1 else mode.group_size
    weights = matrix.astype(numpy.float64)
    return numpy.concatenate([rounded_group(weights[:, first:first + size], mode)
                              for first in range(0, columns, size)], axis=1)


def held_as(name, values, mode, transposed):
    """A tensor of a folder as the engine holds it in `mode`."""
    if values.ndim != 2 or name.endswith(EXACT):
        return values
    if name.endswith(VOCABULARY):
        return rounded(values, Mode(8, mode.group_size, True) if mode.bits == 4 else mode)
    return rounded(values.T, mode).T if transposed else rounded(values, mode)


def write_rounded_folder(source, mode, folder):
    """A float32 model whose weights are those of `source` after rounding."""
    config = json.loads((source / "config.json").read_text())
    transposed = config["model_type"] == "gpt2"  # its matrices are [inputs, outputs]
    tensors = safetensors.read(source / "model.safetensors")
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    safetensors.write(folder / "model.safetensors",
                      {name: held_as(name, values, mode, transposed) for name, values in tensors.items()})


def contradicted(golden):
    """The modes in which this file rounds otherwise than quant/rtn.safetensors says."""
    tensors = safetensors.read(golden)
    names = {mode: f"int{mode.bits}.g{mode.group_size}.{mode.scheme}.value" for mode in MODES}
    return [name for mode, name in names.items()
            if not numpy.allclose(rounded(tensors["weight"], mode), tensors[name], rtol=1e-6, atol=1e-9)]

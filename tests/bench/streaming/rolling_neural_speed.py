"""Neural Speed while its cache rolls.

It reads a GGUF file only when the output matrix is in it, and only with as many layers as it has heard of; so it gets a
copy with the embedding as output matrix and the last layer repeated, whose answers mean nothing and whose steps take as
long as others.
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from peer_engines.neural_engine import load  # the line above makes it one

LAYERS = (12, 22, 26, 32, 40, 48, 60, 80)


def write_copy(source, target):
    import gguf
    reader = gguf.GGUFReader(source)
    name = reader.fields["general.architecture"].contents()
    layers = reader.fields[f"{name}.block_count"].contents()
    wanted = next(count for count in LAYERS if count >= layers)
    writer = gguf.GGUFWriter(target, name)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        content = wanted if field.name == f"{name}.block_count" else field.contents()
        is_array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(field.name, content, field.types[0], field.types[-1] if is_array else None)
    names = {tensor.name for tensor in reader.tensors}
    for tensor in reader.tensors:
        copies = [tensor.name]
        if tensor.name.startswith(f"blk.{layers - 1}."):
            copies += [tensor.name.replace(str(layers - 1), str(layer), 1) for layer in range(layers, wanted)]
        if tensor.name == "token_embd.weight" and "output.weight" not in names:
            copies.append("output.weight")
        for copy in copies:
            writer.add_tensor(copy, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gaps(model_path, ctx_size, threads):
    """Milliseconds between the tokens of an answer during which the cache rolls three times, half of it each time."""
    with tempfile.TemporaryDirectory() as folder:
        copy = f"{folder}/copy.gguf"
        write_copy(model_path, copy)
        model = load(copy, ctx_size, threads)
    ids = [[1] + [12_000 + i * 7919 % 20_000 for i in range(ctx_size - 20)]]
    times = []
    for _ in range(ctx_size + 60):
        if not model.generate(input_ids=ids):
            break
        ids = []
        times.append(time.perf_counter())
    return [(after - before) * 1000 for before, after in zip(times, times[1:])]

"""Neural Speed's engine alone: the package around it wants PyTorch and old libraries."""

import importlib.util
import pathlib


def engine():
    package = importlib.util.find_spec("neural_speed")
    if package is None:
        raise ImportError("No module named 'neural_speed'")
    library = next(pathlib.Path(package.submodule_search_locations[0]).glob("llama_cpp.*.so"))
    spec = importlib.util.spec_from_file_location("llama_cpp", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(path, ctx_size, threads):
    model = engine().Model()
    model.init_model(path, max_new_tokens=ctx_size + 100, n_batch=ctx_size, ctx_size=ctx_size, threads=threads,
                     n_keep=4, n_discard=-1, shift_roped_k=False, do_sample=True, top_k=40, temperature=1.5)
    return model

"""The source package of llama-cpp-python, which carries vocabularies and templates of published models."""

import pathlib
import subprocess
import sys
import tarfile

VERSION = "0.3.36"
MODELS = "vendor/llama.cpp/models/"


def models_folder(folder):
    """Downloads the package into `folder`, unless it is there, and gives the folder of its models."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("llama_cpp_python-*.tar.gz")):
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest",
             str(folder), f"llama-cpp-python=={VERSION}"], check=True)
    package = next(folder.glob("llama_cpp_python-*.tar.gz"))
    root = folder / package.name.removesuffix(".tar.gz")
    if not root.exists():
        with tarfile.open(package) as archive:
            wanted = [member for member in archive.getmembers() if "/" + MODELS in member.name]
            archive.extractall(folder, members=wanted)
    return root / MODELS

"""Where the other engines are, and how they get there: packages from the package index, built here where their own
binaries would not be the best that this machine can run."""

import os
import pathlib
import subprocess

from .process import Failed

PACKAGES = ("numpy", "gguf", "cmake", "ninja", "scikit-build-core", "setuptools", "openvino-genai==2026.4.1.0")
SOURCES = {"llama.cpp": ("llama-cpp-python==0.3.36", "vendor/llama.cpp"),
           "ik_llama.cpp": ("ik-llama-cpp-python==0.1.5", "vendor/ik_llama.cpp")}
# llama.cpp's own AMX crashed in a virtual machine whose processor has it; ik_llama.cpp has none.
NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
OPTIONS = {"llama.cpp": ["-DGGML_NATIVE=ON", "-DGGML_AMX_TILE=OFF", "-DGGML_AMX_INT8=OFF", "-DGGML_AMX_BF16=OFF",
                         "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_SERVER=OFF",
                         "-DLLAMA_BUILD_APP=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_CURL=OFF"],
           "ik_llama.cpp": ["-DGGML_NATIVE=ON", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_SERVER=OFF",
                            "-DLLAMA_CURL=OFF"]}
AVX2 = ["-DGGML_NATIVE=OFF", "-DGGML_AVX=ON", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON"]


class Environment:
    """A folder with a Python environment, the sources, and what was built of them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.bin = self.folder / "python/bin"
        self.python = self.bin / "python"

    def program(self, engine, name, level="native"):
        return self.folder / f"{engine}-{level}" / "bin" / name

    def build(self):
        """Makes what is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "packages-installed").exists():
            call("python3", "-m", "venv", self.folder / "python")
            call(self.python, "-m", "pip", "install", "--quiet", *PACKAGES)
            # Of Neural Speed only the engine is used; what its package wants is not installed.
            call(self.python, "-m", "pip", "install", "--quiet", "--no-deps", "neural-speed==1.0")
            (self.folder / "packages-installed").touch()
        for engine in SOURCES:
            source = self.source(engine)
            self.make(engine, source, "native", OPTIONS[engine])
        self.make("ik_llama.cpp", self.source("ik_llama.cpp"), "avx2", OPTIONS["ik_llama.cpp"] + AVX2)

    def source(self, engine):
        package, inside = SOURCES[engine]
        folder = self.folder / f"{engine}-source"
        if not folder.exists():
            call(self.python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
                 "--no-build-isolation", "--dest", self.folder, package)
            name = package.replace("==", "-").replace("-", "_", package.split("==")[0].count("-"))
            waiting = self.folder / f"{engine}-unpacked"
            waiting.mkdir(exist_ok=True)
            call("tar", "-xzf", self.folder / f"{name}.tar.gz", "-C", waiting)
            (waiting / name / inside).rename(folder)
        return folder

    def make(self, engine, source, level, options):
        build = self.folder / f"{engine}-{level}"
        if not (build / "built").exists():
            flags = NO_AMX if engine == "llama.cpp" else ""
            call(self.bin / "cmake", "-G", "Ninja", "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release",
                 f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_CXX_FLAGS={flags}", *options)
            call(self.bin / "cmake", "--build", build, "--target", "llama-bench", "llama-quantize")
            (build / "built").touch()


def call(*command):
    path = f"{pathlib.Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"  # ninja is beside cmake
    done = subprocess.run(list(map(os.fspath, command)), env={**os.environ, "PATH": path})
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with {done.returncode}.")

"""The tiny networks in a folder of golden data: models/NAME (Hugging Face) and gguf/NAME.gguf."""

import dataclasses
import json
import math
import pathlib
import sys

from golden import safetensors

CTX_SIZE = 256  # more than any of the short references feeds


@dataclasses.dataclass(frozen=True)
class Fixture:
    name: str
    format: str
    path: pathlib.Path  # the model
    golden: pathlib.Path  # folder of what it must answer

    def reference(self):
        """Logits of two texts and what is said next, computed without a cache that evicts."""
        return safetensors.read(self.golden / "reference.safetensors")

    def ctx_size_of(self, text):
        """Longrope's factors are chosen once, from ctx_size: text a is to see the short ones, b the long ones."""
        config = json.loads((self.golden / "config.json").read_text())
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        is_longrope = rope.get("rope_type") == "longrope"
        return rope["original_max_position_embeddings"] if is_longrope and text == "a" else CTX_SIZE

    def streaming(self):
        """Plans for a rolling cache, and their tensors; no plans where the fixture has none."""
        path = self.golden / "streaming.json"
        if not path.exists():
            return [], {}
        return json.loads(path.read_text()), safetensors.read(path.with_suffix(".safetensors"))


def folders(root, names=()):
    """Every Hugging Face folder, or the named ones."""
    paths = [path.parent for path in sorted((root / "models").glob("*/reference.safetensors"))]
    found = [Fixture(path.name, "folder", path, path) for path in paths if not names or path.name in names]
    unknown = set(names) - {fixture.name for fixture in found}
    if unknown or not found:
        sys.exit(f"{root / 'models'} holds no reference of {', '.join(sorted(unknown)) or 'anything'}.")
    return found


def files(root, names=()):
    """The GGUF files of the same networks, as far as there are any."""
    return [Fixture(folder.name, "GGUF", path, folder.path) for folder in folders(root, names)
            if (path := root / "gguf" / f"{folder.name}.gguf").exists()]


def smallest_gap(root, name):
    """Between the two best logits anywhere on the greedy way; infinite where it is not told."""
    manifest = json.loads((root / "models" / "manifest.json").read_text())
    return manifest.get(name, {}).get("min_top_gap", math.inf)

"""Scripts that pin, go back and resize."""

import json

from golden import safetensors
from golden.cli import EXACT
from golden.findings import Table, examine, progress


def check_script(findings, cli, model, script, expected, batch):
    settings = {name: script[name] for name in ("ctx_size", "n_keep", "n_discard")}
    logits, maps = cli.replay(model, script["ops"], batch=batch, **settings, **EXACT)
    findings.logits(logits, expected)
    findings.cached([f"emit {emit}" for emit in range(len(maps))], maps, script["cached_after"])


def compare(cli, root, batches):
    """How many rows are bad."""
    table = Table("fixture", "script", "batch")
    for path in sorted((root / "replay").glob("*.json")):
        progress("replay", path.stem)
        expected = safetensors.read(path.with_suffix(".safetensors"))
        for number, script in enumerate(json.loads(path.read_text())):
            for batch in batches:
                findings = examine(check_script, cli, root / "models" / path.stem, script, expected[script["tensor"]],
                                   batch)
                table.row(path.stem, number, batch, findings=findings)
    return table.close()

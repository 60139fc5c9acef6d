"""Weights rounded on load: how much every mode costs, and that they are rounded as RTN says."""

import sys

from golden.cli import EXACT
from golden.findings import Table, examine, progress
from golden.fixtures import CTX_SIZE, folders
from golden.rounding import MODES, contradicted, write_rounded_folder


def rounded_on_load(mode):
    return {"weight_dtype": mode.weight_dtype, "scheme": mode.scheme, "group_size": mode.group_size}


def check_error(findings, cli, fixture, reference, mode):
    """Integer weights and products, as they are used, against the float network."""
    logits = cli.logits(fixture.path, reference["input_ids_b"], ctx_size=CTX_SIZE, **rounded_on_load(mode))
    findings.logits(logits, reference["logits_b"])


def check_rounding(findings, cli, fixture, reference, mode, folder):
    """Float products of weights rounded on load against those of weights rounded here."""
    write_rounded_folder(fixture.path, mode, folder)
    ids = reference["input_ids_b"]
    settings = EXACT | rounded_on_load(mode)
    expected = cli.logits(folder, ids, ctx_size=CTX_SIZE, **EXACT)
    findings.logits(cli.logits(fixture.path, ids, ctx_size=CTX_SIZE, **settings), expected)


def compare(cli, root, names, folder):
    """How many rows are bad; folders of rounded weights are written over each other in `folder`."""
    golden = root / "quant" / "rtn.safetensors"
    if golden.exists() and (wrong := contradicted(golden)):
        sys.exit(f"The rounding of this program is not that of {golden}: {', '.join(wrong)}")
    table = Table("fixture", "weights", "scheme", "group", "error against float")
    for fixture in folders(root, names):
        progress("rtn", fixture.name)
        reference = fixture.reference()
        for mode in MODES:
            error = examine(check_error, cli, fixture, reference, mode)
            findings = examine(check_rounding, cli, fixture, reference, mode, folder)
            findings.faults += error.faults
            table.row(fixture.name, mode.weight_dtype, mode.scheme, mode.group_size, f"{error.difference:.2f}",
                      findings=findings)
    return table.close()

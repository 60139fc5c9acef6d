"""Both formats of every network: two texts, their greedy continuations, and the rolling cache."""

import numpy

from golden.cli import EXACT
from golden.findings import TOLERANCE, Table, examine, progress
from golden.fixtures import files, folders, smallest_gap
from golden.streaming import check_plans

TIE = 1e-3  # a smallest gap below it: either of the two best may be taken


def check_greedy(findings, text, logits, expected, may_tie):
    """Each of the ids must be the best after those before it: then a greedy continuation takes them all."""
    best = logits.argmax(axis=1)
    rows = numpy.arange(len(expected))
    behind = logits[rows, best] - logits[rows, expected]
    different = (best != expected) & (behind > (TOLERANCE if may_tie else 0))
    if different.any():
        findings.faults.append(f"greedy {text} takes {best[different].tolist()} for {expected[different].tolist()} "
                               f"at {rows[different].tolist()}")


def check_text(findings, cli, fixture, text, batch, may_tie):
    reference = fixture.reference()
    ids, expected, greedy = (reference[f"{part}_{text}"] for part in ("input_ids", "logits", "greedy"))
    ctx_size = fixture.ctx_size_of(text)
    # A continuation that outgrows the cache is no reference for it.
    said = greedy[:-1] if len(ids) + len(greedy) <= ctx_size else greedy[:0]
    # For a BLOOM that names no trained context, the converter writes the embedding's width as one: 64 here.
    logits = cli.logits(fixture.path, [*ids, *said], ctx_size=ctx_size, allow_untrained_ctx="true", batch=batch,
                        **EXACT)
    findings.logits(logits[:len(ids)], expected)
    if len(said):
        check_greedy(findings, text, logits[len(ids) - 1:], greedy, may_tie)


def check_network(findings, cli, fixture, batch, may_tie):
    for text in "ab":
        check_text(findings, cli, fixture, text, batch, may_tie)
    check_plans(findings, cli, fixture, batch)


def compare(cli, root, names, batches):
    """How many rows are bad."""
    table = Table("fixture", "format", "batch")
    for fixture in folders(root, names) + files(root, names):
        progress("logits", fixture.name, fixture.format)
        may_tie = smallest_gap(root, fixture.name) < TIE
        for batch in batches:
            table.row(fixture.name, fixture.format, batch,
                      findings=examine(check_network, cli, fixture, batch, may_tie))
    return table.close()

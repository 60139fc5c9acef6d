"""Learned positions can't be shifted: after an eviction all must be as if only the kept tokens had ever been fed."""

import numpy

from golden.cli import EXACT
from golden.findings import Table, examine, progress
from golden.fixtures import CTX_SIZE, folders

NAMES = ["opt", "gpt2", "gpt_bigcode"]
PLANS = [(40, 4, 1), (40, 4, 7), (48, 2, -1), (32, 0, 5)]  # ctx_size, n_keep, n_discard
BATCHES = [1, 7, 512]
TOKENS = 200
SEED = 1


def cached_after(ctx_size, n_keep, n_discard):
    """For each token the positions that are cached after it."""
    cached, after = [], []
    dropped = max(1, (ctx_size - n_keep) // 2) if n_discard == -1 else n_discard
    for position in range(TOKENS):
        if len(cached) == ctx_size:
            del cached[n_keep:n_keep + dropped]
        cached.append(position)
        after.append(list(cached))
    return after


def fresh_logits(cli, model, ids, after):
    """[TOKENS, vocabulary]: what a cache says that was fed the kept tokens only. One run serves all tokens up to the
    next eviction, since each of them follows on the same ones."""
    rows, last = [], 0
    while last < TOKENS:
        first = last
        while last < TOKENS and len(after[last]) == len(after[first]) + last - first:
            last += 1
        kept = ids[after[last - 1]]
        rows.append(cli.logits(model, kept, ctx_size=CTX_SIZE, **EXACT)[first - last:])
    return numpy.concatenate(rows)


def check_plan(findings, cli, fixture, plan, ids, batch, expected):
    """In whole batches, and in batches that end where the cached positions are asked for: right after evictions."""
    settings = EXACT | dict(zip(("ctx_size", "n_keep", "n_discard"), plan)) | {"batch": batch}
    findings.logits(cli.logits(fixture.path, ids, **settings), expected)
    after = cached_after(*plan)
    evicting = [position for position in range(1, TOKENS) if len(after[position]) <= len(after[position - 1])]
    logits, maps = cli.logits_and_maps(fixture.path, ids, evicting, **settings)
    findings.logits(logits, expected[evicting])
    findings.cached([f"token {position}" for position in evicting], maps, [after[position] for position in evicting])


def compare(cli, root):
    """How many rows are bad."""
    table = Table("fixture", "ctx_size", "n_keep", "n_discard", "batch")
    for fixture in folders(root, NAMES):
        vocabulary = fixture.reference()["logits_a"].shape[1]
        ids = numpy.random.default_rng(SEED).integers(vocabulary, size=TOKENS)
        for plan in PLANS:
            progress("learned", fixture.name, *plan)
            expected = fresh_logits(cli, fixture.path, ids, cached_after(*plan))
            for batch in BATCHES:
                table.row(fixture.name, *plan, batch,
                          findings=examine(check_plan, cli, fixture, plan, ids, batch, expected))
    return table.close()

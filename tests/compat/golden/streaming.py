"""A rolling cache with sinks, long past its size."""

from golden.cli import EXACT
from golden.findings import Table, examine, progress
from golden.fixtures import folders


def check_plans(findings, cli, fixture, batch, kv_type="f32"):
    """Every plan twice: in whole batches, and with batches that end where the cached positions are asked for."""
    plans, tensors = fixture.streaming()
    ids = tensors["input_ids"] if plans else []
    for plan in plans:
        expected, positions = tensors[plan["tensor"]], plan["positions"]
        settings = EXACT | {name: plan[name] for name in ("ctx_size", "n_keep", "n_discard")}
        settings |= {"kv_type": kv_type, "batch": batch}
        findings.logits(cli.logits(fixture.path, ids, **settings)[positions], expected)
        logits, maps = cli.logits_and_maps(fixture.path, ids, positions, **settings)
        findings.logits(logits, expected)
        findings.cached([f"token {position} of {plan['tensor']}" for position in positions], maps,
                        [plan["cached_after"][str(position)] for position in positions])


def compare(cli, root, batches, kv_types):
    """The exact path in each of the batches, then the other KV types in the last of them; how many runs are bad."""
    fixtures = [fixture for fixture in folders(root) if fixture.streaming()[0]]
    exact = Table("fixture", "batch")
    for fixture in fixtures:
        progress("streaming", fixture.name)
        for batch in batches:
            exact.row(fixture.name, batch, findings=examine(check_plans, cli, fixture, batch))
    bad = exact.close()
    rounded = Table("fixture", "KV type", tolerance=None)
    for fixture in fixtures:
        progress("streaming", fixture.name, *kv_types)
        for kv_type in kv_types:
            rounded.row(fixture.name, kv_type, findings=examine(check_plans, cli, fixture, batches[-1], kv_type))
    return bad + rounded.close()

"""What was measured, as Markdown: medians over rounds, and Runnel's ratio to each of the others."""

import statistics

LESS_IS_BETTER = ("first token", "peak memory")


def medians(records):
    """[figure][engine] → median, for the records of one model, in the order in which they came."""
    found = {}
    for record in records:
        for figure, value in record["figures"].items():
            found.setdefault(figure, {}).setdefault(record["engine"], []).append(value)
    return {figure: {engine: statistics.median(values) for engine, values in engines.items()}
            for figure, engines in found.items()}


def ratio(figure, own, other):
    return other / own if figure.startswith(LESS_IS_BETTER) else own / other


def cell(figure, engines, name):
    if name not in engines:
        return "–"
    value = f"{engines[name]:.3g}" if engines[name] < 100 else f"{engines[name]:.0f}"
    if name == "Runnel" or "Runnel" not in engines:
        return value
    return f"{value} ({ratio(figure, engines['Runnel'], engines[name]):.2f}×)"


def table(records, order):
    found = medians(records)
    names = [name for name in order if any(name in engines for engines in found.values())]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for figure, engines in found.items():
        lines.append(f"| {figure} | " + " | ".join(cell(figure, engines, name) for name in names) + " |")
    return "\n".join(lines)


def written(records, order, heading):
    models = list(dict.fromkeys(record["model"] for record in records))
    parts = [heading, "In brackets: how many times better Runnel's figure is. Medians of "
             f"{max(record['round'] for record in records) + 1} rounds, the engines in turns.\n"]
    for model in models:
        own = [record for record in records if record["model"] == model]
        parts.append(f"## {model}\n\n{table(own, order)}\n")
    return "\n".join(parts)

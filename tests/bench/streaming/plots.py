"""The measurements as pictures."""

import math
import statistics

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # the line above decides where it draws

import tables

ACCENT, SINK, HEAT, QUIET, FAINT = "#0E7C6F", "#C98208", "#C8402C", "#5E6B78", "#B8C0C8"
COLOURS = {"keep-0": HEAT, "keep-1": SINK, "keep-4": ACCENT, "keep-16": "#4C93DB", "discard-half": "#7B4FD0",
           "ctx-2048": QUIET}
NAMES = {"keep-0": "no sinks", "keep-1": "1 sink", "keep-4": "4 sinks (default)", "keep-16": "16 sinks",
         "discard-half": "4 sinks, half dropped at once", "ctx-2048": "4 sinks, ctx_size 2048"}


def binned(means, per):
    """Perplexity of every `per` segments."""
    return [math.exp(statistics.fmean(means[i:i + per])) for i in range(0, len(means) - per + 1, per)]


def figure(folder, name, draw, height=3.2):
    picture, axes = pyplot.subplots(figsize=(8, height), dpi=110)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    draw(axes)
    picture.tight_layout()
    picture.savefig(folder / f"{name}.png")
    pyplot.close(picture)


def perplexity(axes, results):
    run = results["long"]
    per = 50
    values = binned(run["means"], per)
    step = per * run["segment"]
    axes.plot([(i + 0.5) * step / 1000 for i in range(len(values))], values, color=ACCENT, linewidth=1.2)
    found = tables.pieces(results) if "recompute-19" in results else []
    if found:
        axes.scatter([at / 1000 for at, _, _ in found], [math.exp(anew) for _, _, anew in found], color=SINK, s=14,
                     label="100 tokens, window evaluated anew", zorder=3)
        axes.scatter([at / 1000 for at, _, _ in found], [math.exp(stream) for _, stream, _ in found], color=HEAT, s=10,
                     marker="x", label="the same tokens, streaming", zorder=4)
        axes.legend(frameon=False, fontsize=8)
    axes.set(xlabel="thousand tokens", ylabel="perplexity", ylim=(0, None), xlim=(0, None))


def memory_and_speed(axes, results):
    marks = [mark for mark in results["long"]["marks"] if "step_ms" in mark]
    at = [mark["at"] / 1000 for mark in marks]
    axes.plot(at, [mark["resident_bytes"] / 1e6 for mark in marks], color=ACCENT, marker="o", markersize=3,
              label="resident memory, MB")
    axes.set(xlabel="thousand tokens", ylabel="MB", ylim=(0, 2.2 * max(m["resident_bytes"] for m in marks) / 1e6),
             xlim=(0, None))
    beside = axes.twinx()
    beside.spines["top"].set_visible(False)
    beside.plot(at, [mark["step_ms"] / mark["fresh_step_ms"] for mark in marks], color=SINK, marker="o", markersize=3,
                label="time of a step ÷ that of a fresh cache")
    beside.set(ylabel="ratio", ylim=(0, 1.4))
    lines = axes.get_lines() + beside.get_lines()
    axes.legend(lines, [line.get_label() for line in lines], frameon=False, fontsize=8, loc="lower right")


def settings(axes, results):
    for name, colour in COLOURS.items():
        run = results.get(f"settings-{name}")
        if run:
            per = 10
            values = binned(run["means"], per)
            axes.plot([(i + 0.5) * per * run["segment"] / 1000 for i in range(len(values))], values, color=colour,
                      linewidth=1.2, label=NAMES[name])
    axes.set(xlabel="thousand tokens", ylabel="perplexity", ylim=(0, None), xlim=(0, None))
    axes.legend(frameon=False, fontsize=8, ncol=2)


def eviction(axes, results):
    rows = results["eviction"]
    labels = [f"{row['ctx_size']}\n{row['n_discard']}" for row in rows]
    places = range(len(rows))
    for shift, key, colour, label in ((-0.27, "fresh_p50", FAINT, "nothing lost yet"),
                                      (0, "rolled_p50", QUIET, "room again"), (0.27, "p50", ACCENT, "evicting")):
        axes.bar([place + shift for place in places], [row[key] for row in rows], 0.27, color=colour, label=label)
    axes.set_xticks(list(places), labels, fontsize=8)
    axes.set(xlabel="ctx_size and n_discard", ylabel="median step, ms")
    axes.legend(frameon=False, fontsize=8)


def speed(axes, results):
    rows = results["speed"]
    places = range(len(rows))
    axes.bar([place - 0.2 for place in places], [row["anew_ms"] for row in rows], 0.4, color=QUIET,
             label="window evaluated anew")
    axes.bar([place + 0.2 for place in places], [row["step_ms"] for row in rows], 0.4, color=ACCENT, label="streaming")
    for place, row in zip(places, rows):
        axes.annotate(f"{row['anew_ms'] / row['step_ms']:.0f} ×", (place + 0.2, row["step_ms"]), ha="center",
                      va="bottom", fontsize=9, color=ACCENT)
    axes.set_xticks(list(places), [row["window"] for row in rows])
    axes.set(xlabel="window", ylabel="ms per token (log)", yscale="log")
    axes.legend(frameon=False, fontsize=8)


def facts(axes, results):
    rows = sorted((results[name] for name in results if name.startswith("facts-")),
                  key=lambda row: row["with_pin"]["fact"])
    places = list(range(len(rows)))
    for name, colour, label in (("without_pin", HEAT, "without the pin"), ("fresh", QUIET, "fresh cache"),
                                ("with_pin", ACCENT, "with the pin")):
        axes.scatter([row[name]["fact"] for row in rows], places, color=colour, s=18, label=label)
    axes.set_yticks(places, [row["fact"] for row in rows], fontsize=7)
    axes.set(xlabel="log p of the fact")
    axes.legend(frameon=False, fontsize=8)


def draw(results, folder):
    if "long" in results:
        figure(folder, "perplexity", lambda axes: perplexity(axes, results))
        figure(folder, "memory-and-speed", lambda axes: memory_and_speed(axes, results))
    for name, drawn, height in (("settings", settings, 3.2), ("facts", facts, 4.5)):
        if any(result.startswith(f"{name}-") for result in results):
            figure(folder, name, lambda axes, drawn=drawn: drawn(axes, results), height)
    for name, drawn in (("eviction", eviction), ("speed", speed)):
        if name in results:
            figure(folder, name, lambda axes, drawn=drawn: drawn(axes, results))

"""The measurements as tables in Markdown."""

import math
import statistics

import measure
import pinned_facts

T_95_18 = 2.1009  # Student's t, two-sided 95 %, 18 degrees of freedom


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def perplexity(means):
    return math.exp(statistics.fmean(means))


def pieces(results):
    """(position, −log p in the stream, −log p with the window evaluated anew) of each piece."""
    means = results["long"]["means"]
    found = [results[name] for name in sorted(results) if name.startswith("recompute-")]
    return [(piece["from"], means[piece["from"] // measure.SEGMENT], math.log(piece["ppl"])) for piece in found]


def slope(points):
    """Of a straight line through (x, y): least squares, and half of its 95 % interval."""
    n = len(points)
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = sum((y - mean_y - rise * (x - mean_x)) ** 2 for x, y in points)
    return rise, T_95_18 * math.sqrt(rest / (n - 2) / spread)


def long_run(results):
    run = results["long"]
    marks = run["marks"]
    rows = []
    for before, mark in zip([{"at": 0}, *marks], marks):
        means = run["means"][before["at"] // run["segment"]:mark["at"] // run["segment"]]
        ratio = f"{mark['step_ms'] / mark['fresh_step_ms']:.3f}" if "step_ms" in mark else ""
        rows.append([f"{mark['at']:,}", f"{perplexity(means):.2f}", f"{mark['resident_bytes'] / 1e6:.2f}",
                     f"{mark.get('step_ms', 0):.3f}", f"{mark.get('fresh_step_ms', 0):.3f}", ratio])
    memory = [mark["resident_bytes"] for mark in marks if mark["process"] == marks[-1]["process"]]
    text = table(["tokens", "perplexity since the row before", "resident MB", "step ms", "step of a fresh cache ms",
                  "ratio"], rows)
    return text + (f"\nPerplexity of all {marks[-1]['at']:,} tokens: {perplexity(run['means']):.3f}. "
                   f"{run['seconds'] / 60:.0f} minutes in {run['processes']} process(es). Resident memory of the last "
                   f"process differs by {(max(memory) - min(memory)) / 1e6:.2f} MB.\n")


def recompute(results):
    found = pieces(results)
    rows = [[f"{at:,}", f"{math.exp(stream):.2f}", f"{math.exp(anew):.2f}", f"{stream - anew:+.3f}"]
            for at, stream, anew in found]
    stream = statistics.fmean(piece[1] for piece in found)
    anew = statistics.fmean(piece[2] for piece in found)
    rise, half = slope([(at / 1e6, a - b) for at, a, b in found])
    text = table(["position", "streaming", "window evaluated anew", "difference in −log p"], rows)
    return text + (f"\nAll pieces: {math.exp(stream):.3f} against {math.exp(anew):.3f}, ratio "
                   f"{math.exp(stream - anew):.4f}. Slope of the difference per million tokens: {rise:+.3f} ± {half:.3f} "
                   f"(95 %).\n")


def settings(results):
    rows = []
    for name in measure.SETTINGS:
        means = results[f"settings-{name}"]["means"]
        tail = means[len(means) // 5:]
        rows.append([" ".join(measure.SETTINGS[name]), f"{perplexity(means):.2f}", f"{perplexity(tail):.2f}"])
    return table(["cache", "perplexity of 50,000 tokens", "of the last 40,000"], rows)


def eviction(results):
    rows = [[row["ctx_size"], row["n_discard"], f"{row['p50']:.3f}",
             *(f"{row[part] / row[f'{rival}_{part}']:.3f}" for rival in ("rolled", "fresh") for part in ("p50", "p99")),
             row["evictions"],
             f"{row['stall_ms']:+.3f}"] for row in results["eviction"]]
    text = table(["ctx_size", "n_discard", "p50 ms", "to one that has evicted before: p50", "p99",
                  "to one that never has: p50", "p99", "evictions", "stall per eviction ms"], rows)
    if "peers" in results:
        rows = [[row["peer"], row["ctx_size"], f"{row['step_ms']:.2f}", f"{row['stall_ms']:+.2f}"]
                for row in results["peers"]]
        text += "\n" + table(["others", "ctx_size", "step ms", "stall per eviction ms"], rows)
    return text


def runs(results):
    rows = [[row["ctx_size"], row["runs"], f"{row['p50']:.3f}", row["plain_runs"], f"{row['plain_p50']:.3f}",
             f"{row['p50'] / row['plain_p50']:.3f}"] for row in results["runs"]]
    return table(["ctx_size", "runs", "p50 ms", "runs of the other", "p50 ms", "ratio"], rows)


def messages(results):
    rows = [[row["ctx_size"], row["n_discard"], "whole" if row["whole_messages"] else "single",
             f"{math.exp(row['answers']):.3f}", f"{row['ends']:.3f}", f"{row['cached']:.0f}"]
            for row in results["messages"]]
    return table(["ctx_size", "n_discard", "forgets messages", "perplexity of answers", "−log p of their ends",
                  "cached in the mean"], rows)


def speed(results):
    rows = [[row["window"], f"{row['anew_ms']:.1f}", f"{row['step_ms']:.2f}",
             f"{row['anew_ms'] / row['step_ms']:.1f}"] for row in results["speed"]]
    return table(["window", "evaluated anew, ms per token", "streaming, ms per token", "times faster"], rows)


def facts(results):
    found = [results[name] for name in sorted(results) if name.startswith("facts-")]
    caches = ("with_pin", "fresh", "without_pin")
    rows = [[row["told"], row["question"], row["fact"], row["tokens"], *(f"{row[cache]['fact']:.2f}" for cache in caches),
             *(f"{row[cache]['answer']:.2f}" for cache in caches)] for row in found]
    text = table(["told", "question", "fact", "tokens between", "log p of the fact, with the pin",
                  "in a fresh cache of the same tokens", "without the pin", "log p of the whole answer, with the pin",
                  "in a fresh cache of the same tokens", "without the pin"], rows)
    for part, name in (("fact", "the fact"), ("answer", "the whole answer")):
        apart = statistics.median(row["with_pin"][part] - row["fresh"][part] for row in found)
        better = sum(row["with_pin"][part] > row["without_pin"][part] for row in found)
        text += (f"\nLog p of {name} with the pin, less that in a fresh cache: {apart:+.2f} nat in the median; it is above "
                 f"that without the pin in {better} of {len(found)}.\n")
    return text


# Title, what writes it, what it needs.
PARTS = [("One conversation of a million tokens", long_run, {"long"}),
         ("Other settings", settings, {f"settings-{name}" for name in measure.SETTINGS}),
         ("Against a window that is evaluated anew", recompute,
          {"long"} | {f"recompute-{piece:02}" for piece in range(measure.PIECES)}),
         ("The cost of forgetting", eviction, {"eviction"}),
         ("The cost of many runs", runs, {"runs"}),
         ("Forgetting whole messages", messages, {"messages"}),
         ("Speed", speed, {"speed"}),
         ("A pinned fact", facts, {f"facts-{number:02}" for number in range(len(pinned_facts.FACTS))})]


def written(results):
    parts = [f"## {title}\n\n{part(results)}" for title, part, needs in PARTS if needs <= results.keys()]
    return "\n".join(parts)

"""Twenty conversations that begin with a fact, go on until twenty times the cache has passed, and ask for the fact. The
system prompt is remembered throughout; the message with the fact is pinned or not."""

import json
import pathlib
import tempfile

import numpy

CACHE = 512
PASSED = 20  # caches full of other text between the fact and the question

# What is told, what is asked, how a right answer begins, and the fact with which it ends.
FACTS = [
    ("My dog is called Rufus.", "What is my dog called?", "Your dog is called", "Rufus."),
    ("I was born in Lisbon.", "Where was I born?", "You were born in", "Lisbon."),
    ("My favourite colour is turquoise.", "What is my favourite colour?", "Your favourite colour is", "turquoise."),
    ("I work as a beekeeper.", "What do I work as?", "You work as a", "beekeeper."),
    ("The door code is 7391.", "What is the door code?", "The door code is", "7391."),
    ("My sister is named Ingrid.", "What is my sister named?", "Your sister is named", "Ingrid."),
    ("I am allergic to walnuts.", "What am I allergic to?", "You are allergic to", "walnuts."),
    ("My car is a yellow Volvo.", "What is my car?", "Your car is", "a yellow Volvo."),
    ("I live on Maple Street.", "Which street do I live on?", "You live on", "Maple Street."),
    ("My flight leaves on Thursday.", "On which day does my flight leave?", "Your flight leaves on", "Thursday."),
    ("The meeting is in room 42.", "In which room is the meeting?", "The meeting is in room", "42."),
    ("I play the cello.", "Which instrument do I play?", "You play the", "cello."),
    ("My teacher was Mr. Okafor.", "Who was my teacher?", "Your teacher was", "Mr. Okafor."),
    ("The project is named Bluebird.", "What is the project named?", "The project is named", "Bluebird."),
    ("I have three cats.", "How many cats do I have?", "You have", "three cats."),
    ("My wife comes from Iceland.", "Where does my wife come from?", "Your wife comes from", "Iceland."),
    ("The key is under the flowerpot.", "Where is the key?", "The key is", "under the flowerpot."),
    ("I take my coffee with cardamom.", "What do I take my coffee with?", "You take your coffee with", "cardamom."),
    ("The deadline is the ninth of March.", "When is the deadline?", "The deadline is", "the ninth of March."),
    ("My boat is named Marigold.", "What is my boat named?", "Your boat is named", "Marigold."),
]


class Scripts:
    """Turns conversations into tokens and plays them to a cache."""

    def __init__(self, machine, folder):
        self.machine = machine
        self.folder = pathlib.Path(folder)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def ids(self, text):
        """Of a template's text, control tokens included."""
        return json.loads(self.machine.cli("tokenize", "--file", self.file("text", text), "--special", "--json"))

    def rendered(self, messages, *arguments):
        return self.machine.cli("render", "--messages", self.file("messages.json", json.dumps(messages)), *arguments)

    def play(self, operations):
        """The logits of each emit, and which positions were cached then."""
        script = self.file("script.jsonl", "\n".join(map(json.dumps, operations)))
        output, cache_map = self.folder / "logits.npy", self.folder / "map.json"
        self.machine.cli("replay", "--script", script, "--output", output, "--cache-map", cache_map, "--ctx-size", CACHE)
        return numpy.load(output), json.loads(cache_map.read_text())


def log_probability(logits, ids):
    """Of `ids`, each predicted by one row."""
    wide = logits.astype(numpy.float64)
    most = wide.max(axis=1)
    totals = numpy.log(numpy.exp(wide - most[:, None]).sum(axis=1)) + most
    return float(sum(row[token] - total for row, token, total in zip(wide, ids, totals)))


def asking(answer):
    """Feeds an answer token by token: each row of logits predicts the next one."""
    return [{"op": "feed", "ids": [token], "emit": True} for token in answer[:-1]]


def conversation(fact, question, verses):
    messages = [{"role": "user", "content": fact}, {"role": "assistant", "content": "Thank you, I will remember that."}]
    for i in range(0, len(verses), 4):
        messages.append({"role": "user", "content": "Please read this: " + " ".join(verses[i:i + 3])})
        messages.append({"role": "assistant", "content": verses[i + 3]})
    return messages + [{"role": "user", "content": question}]


class Asked:
    """How likely a right answer is: as a whole, and of it the fact, once the answer has begun."""

    def __init__(self, scripts, opening, fact):
        self.scripts = scripts
        self.begun = scripts.ids(opening)
        self.fact = scripts.ids(" " + fact)

    def after(self, operations):
        """Also gives the positions that are cached before the answer. The last operation must emit."""
        answer = self.begun + self.fact
        logits, cached = self.scripts.play([*operations, *asking(answer)])
        begun = len(self.begun)
        return {"answer": log_probability(logits, answer),
                "fact": log_probability(logits[begun:], self.fact)}, cached[0]


def one(scripts, number, verses):
    told, question, opening, fact = FACTS[number]
    messages = conversation(told, question, verses)
    ids = scripts.ids(scripts.rendered(messages, "--add-generation-prompt"))
    first_message = scripts.ids(scripts.rendered(messages[:1]))
    other = scripts.ids(scripts.rendered([{"role": "user", "content": "?"}]))
    first = next(i for i, (a, b) in enumerate(zip(first_message, other)) if a != b)  # before it, the template speaks
    end = len(first_message)
    head, rest = {"op": "feed", "ids": ids[:end]}, {"op": "feed", "ids": ids[end:], "emit": True}
    system = {"op": "pin", "from": 0, "to": first}  # as the window does unless told otherwise
    pin = {"op": "pin", "from": first, "to": end}

    asked = Asked(scripts, opening, fact)
    with_pin, cached = asked.after([head, system, pin, rest])
    fresh, _ = asked.after([{"op": "feed", "ids": [ids[position] for position in cached], "emit": True}])
    without_pin, _ = asked.after([head, system, rest])
    return {"told": told, "question": question, "fact": fact, "tokens": len(ids), "pinned": end - first,
            "with_pin": with_pin, "fresh": fresh, "without_pin": without_pin}


def run(machine):
    lines = [line for line in pathlib.Path(machine.text).read_text().splitlines() if 80 < len(line) < 240]
    with tempfile.TemporaryDirectory() as folder:
        scripts = Scripts(machine, folder)
        per_script = PASSED * CACHE // 34 // 4 * 4  # verses: at least 34 tokens each in the mean, the template's included
        for number in range(len(FACTS)):
            verses = lines[number * per_script:(number + 1) * per_script]
            print(machine.keep(f"facts-{number:02}", lambda: one(scripts, number, verses)), flush=True)

"""Twenty conversations that begin with a fact, go on until twenty times the cache has passed, and ask for the fact. What
is talked of in between, the model was asked before and answered. The system prompt is remembered throughout; the message
with the fact is pinned or not."""

import itertools
import json
import pathlib
import tempfile

import numpy

CACHE = 256
PASSED = 20  # caches full of talk between the fact and the question
ANSWERED = 120  # tokens of an answer at most

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

# What else is talked of.
QUESTIONS = ("Tell me something about {}.", "Why do people care about {}?", "How would you explain {} to a child?")
TOPICS = ("bread", "rivers", "volcanoes", "bicycles", "the moon", "honey", "libraries", "glass", "rain", "trains",
          "mushrooms", "maps", "clocks", "penguins", "gardens", "bridges", "tea", "wool", "lighthouses", "chess", "deserts",
          "violins", "paper", "ships", "onions", "snow", "castles", "coffee", "whales", "windmills", "mirrors", "rice",
          "kites", "forests", "salt", "telescopes", "candles", "horses", "markets", "rainbows")


def talk(machine):
    """Questions and the model's answers, each as the beginning of a conversation."""
    pairs = []
    for question, topic in itertools.product(QUESTIONS, TOPICS):
        asked = question.format(topic)
        answer = machine.cli("chat", "--seed", len(pairs), "-n", ANSWERED, input=asked + "\n")
        pairs.append([asked, answer.strip()])
    return pairs


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


def conversation(fact, question, pairs):
    messages = [{"role": "user", "content": fact}, {"role": "assistant", "content": "Thank you, I will remember that."}]
    for asked, answer in pairs:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
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


def one(scripts, number, pairs):
    told, question, opening, fact = FACTS[number]
    messages = conversation(told, question, pairs)
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
    pairs = machine.keep("talk", lambda: talk(machine))
    with tempfile.TemporaryDirectory() as folder:
        scripts = Scripts(machine, folder)
        per_script = PASSED * CACHE // 122  # a pair is of at least so many tokens in the mean, the template's included
        for number in range(len(FACTS)):
            own = [pairs[(6 * number + i) % len(pairs)] for i in range(per_script)]
            print(machine.keep(f"facts-{number:02}", lambda: one(scripts, number, own)), flush=True)

"""What the window must do with bad input: come up, say a sentence, and go on. The sentence is to be read in the pictures."""

import os
import random
import sqlite3
import subprocess
import time
from contextlib import closing

import gguf
import window
from cli_cases import Outcome

SETTLE_S = 3
NONSENSE = """[cache]
ctx_size=banana
n_keep=-7
n_discard=999999999
kv_type=float3
batch=0
[sampling]
temperature=nan
top_p=2
top_k=many
[window]
theme=plaid
font_scale=1e9
[engine]
threads=-4
"""


def try_window(case, screen, program, home, data, picture, arguments=(), as_nobody=False):
    """Starts the window over `data`, takes its picture once it has settled, and ends it."""
    outcome = Outcome(case, f"see {picture.name}", 0, [])
    home.mkdir()
    with window.Window(program, screen, home, data, arguments, as_nobody) as shown:
        try:
            shown.wait_until_shown()
            time.sleep(SETTLE_S)
            if shown.picture(picture) < 2:
                outcome.faults.append("the screen is empty")
            if not shown.running():
                raise window.Missing(f"the program ended by itself with code {shown.process.returncode}")
            outcome.code = shown.terminate()
            if outcome.code not in (0, -15):
                outcome.faults.append(f"ended on SIGTERM with code {outcome.code}")
        except (window.Missing, subprocess.TimeoutExpired) as problem:
            outcome.faults.append(str(problem))
            outcome.code = shown.process.poll() or 0
        if shown.errors.stat().st_size > 0:
            outcome.sentence += f"; stderr ends with: {shown.last_error()}"
    return outcome


class Cases:
    """One folder, one home and one picture for each case."""

    def __init__(self, program, folder, pictures):
        self._program = program
        self._folder = folder
        self._pictures = pictures
        self.outcomes = []

    def data(self, case):
        data = self._folder / f"data-{case.replace(' ', '-')}"
        data.mkdir(parents=True)
        return data

    def run(self, case, data, arguments=(), as_nobody=False):
        name = case.replace(" ", "-")
        with window.display() as screen:
            self.outcomes.append(try_window(case, screen, self._program, self._folder / f"home-{name}", data,
                                            self._pictures / f"{name}.png", arguments, as_nobody))


def bad_models(cases, folder):
    corrupt = folder / "corrupt.gguf"
    corrupt.write_bytes(gguf.header()[:8] + random.Random(2).randbytes(4096))
    cases.run("corrupt model", cases.data("corrupt model"), [corrupt])
    cases.run("missing model", cases.data("missing model"), [folder / "missing.gguf"])
    data = cases.data("last model gone")
    (data / "settings.ini").write_text(f"[engine]\nmodel={folder}/gone.gguf\n")
    cases.run("last model gone", data)


def bad_folders(cases, folder, model):
    file = folder / "no-folder"
    file.write_text("a file")
    cases.run("data folder below a file", file / "data", [model])
    data = cases.data("read-only data folder")
    data.chmod(0o555)
    # Nothing is read-only to root, so there the window runs as nobody.
    cases.run("read-only data folder", data, as_nobody=os.geteuid() == 0)
    data.chmod(0o755)


def bad_databases(cases, model):
    noise = random.Random(3).randbytes(1 << 16)
    for case, content in (("damaged database", b"SQLite format 3\0" + noise), ("foreign database", noise)):
        data = cases.data(case)
        (data / "conversations.db").write_bytes(content)
        cases.run(case, data, [model])
    data = cases.data("locked database")
    with closing(sqlite3.connect(data / "conversations.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        cases.run("locked database", data, [model])
    data = cases.data("database of another program")
    with closing(sqlite3.connect(data / "conversations.db")) as database:
        database.execute("CREATE TABLE message (something TEXT)")
        database.commit()
    cases.run("database of another program", data, [model])


def bad_settings(cases, model):
    data = cases.data("nonsense settings")
    (data / "settings.ini").write_text(NONSENSE)
    cases.run("nonsense settings", data, [model])
    data = cases.data("noise as settings")
    (data / "settings.ini").write_bytes(random.Random(4).randbytes(4096))
    cases.run("noise as settings", data, [model])


def run(program, model, folder, pictures):
    """All cases; gives their outcomes."""
    cases = Cases(program, folder, pictures)
    bad_models(cases, folder)
    bad_folders(cases, folder, model)
    bad_databases(cases, model)
    bad_settings(cases, model)
    return cases.outcomes

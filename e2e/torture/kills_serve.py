"""`serve` killed under load: after each start, every write that was acknowledged is there, and nothing is half done."""

import threading
import time

import journal
from journal import Crawls, Roles, Tables, Tags, Unknown, Versions
from lab import SAMPLES, client
from raw import Refused

KILLS = 60
KILLS_OF_ONE_STATE = 20
WRITERS = [Tables, Tables, Tables, Versions, Tags, Roles, Crawls]


def write_until_lost(writer, server, problems):
    """One writer against one life of the server."""
    try:
        writer.connect(server)
        while True:
            writer.step()
    except Unknown as unknown:
        if "timed out" in str(unknown):
            problems.append(("hung", f"{type(writer).__name__} {writer.number} got no answer: {unknown}"))
    except journal.LOST_CONNECTION:
        pass
    except (Refused, journal.ClientError) as refused:
        problems.append(("refused", f"{type(writer).__name__} {writer.number}: {refused}"))


def prepared(lab):
    """A state with a catalog, and its writers, who have written nothing yet."""
    state = lab.directory("state")
    with lab.serve(state, "--tables", SAMPLES) as server:
        client(server.url, "glue").create_database(DatabaseInput={"Name": "torture"})
        client(server.url, "glue").create_registry(RegistryName="torture")
        done = lab.run("sync", "--wait", endpoint=server.url)
        assert done.code == 0, done
    return state, [kind(lab.random, number) for number, kind in enumerate(WRITERS)]


def check(lab, tally):
    kills, written, slowest = lab.times(KILLS), 0, 0.0
    for kill in range(kills):
        if kill % KILLS_OF_ONE_STATE == 0:
            state, writers = prepared(lab)
        problems = []
        with lab.serve(state, "--tables", SAMPLES) as server:
            threads = [threading.Thread(target=write_until_lost, args=(writer, server, problems)) for writer in writers]
            for thread in threads:
                thread.start()
            time.sleep(lab.random.uniform(0.02, 0.8))
            server.kill()
            for thread in threads:
                thread.join(60)
        tally.kills += 1
        tally.hung += sum(kind == "hung" for kind, _ in problems) + sum(thread.is_alive() for thread in threads)
        for _, problem in problems:
            tally.expect(False, f"kill {kill}: {problem}")
        started = time.monotonic()
        with lab.serve(state, "--tables", SAMPLES) as server:
            slowest = max(slowest, time.monotonic() - started)
            for writer in writers:
                writer.connect(server)
                lost = writer.lost()
                tally.lost += len(lost)
                for line in lost:
                    tally.expect(False, f"kill {kill}: {line}")
        if kill % KILLS_OF_ONE_STATE == KILLS_OF_ONE_STATE - 1 or kill == kills - 1:
            written += sum(writer.writes for writer in writers)
    tally.done.append(f"{written} acknowledged writes of {len(WRITERS)} writers; slowest start {slowest:.1f} s")

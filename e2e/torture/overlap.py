"""Two and eight `sync --local` on one state at once, some killed: the others end, and report no failure that is none.

A crawl that a killed process was making did fail, and whoever waited for it is told so, in these words alone."""

import time

import samples
from kills_sync import finishes, same, undisturbed

KILLS = 50
VICTIMS = {2: 1, 8: 5}
# A killed process's crawls are over for the others once they notice; what waits longer than this waits for ever.
DEADLINE = 90
KILLED = "the endpoint ended during the crawl"


def judged(tally, done, what):
    """How many tables were told of a crawl that was killed; any other failure is none, and fails the check."""
    tally.hung += done.code is None
    lines = (done.report() or {}).get("tables", [])
    bad = [line for line in lines if line["outcome"] not in ("crawled", "vanished")]
    told = [line for line in bad if line["outcome"] == "failed" and KILLED in line["reason"]]
    tally.expect(lines and bad == told and done.code == (1 if told else 0), f"{what}: {done} {bad[:3]}")
    return len(told)


def check(lab, tally):
    tables = samples.before_and_after(lab)
    right, seconds = undisturbed(lab, tables, "managed")
    rounds, finished, told = 0, 0, 0
    while tally.kills < lab.times(KILLS):
        together = (2, 8)[rounds % 2]
        what = f"round {rounds}, {together} at once"
        state = lab.directory("state")
        for folder in tables:
            processes = []
            for _ in range(together):
                processes.append(lab.sync(folder, state))
                time.sleep(lab.random.uniform(0, seconds / together))
            for process in lab.random.sample(processes, VICTIMS[together]):
                processes.remove(process)
                time.sleep(lab.random.uniform(0, seconds / 2))
                tally.kills += process.kill_after(0)
            ends = time.monotonic() + DEADLINE
            for process in processes:
                told += judged(tally, process.wait(ends - process.started), what)
                finished += 1
            # What a killed one left for the next run to do, this one does.
            finishes(lab, tally, folder, state, "managed", f"{what}, the run afterwards")
        same(lab, tally, tables[-1], state, right, what)
        rounds += 1
    tally.done.append(
        f"{rounds} rounds, {finished} runs beside killed ones ended, {told} of their tables told of a killed crawl"
    )

"""Two and eight `sync --local` on one state at once, some killed: the others end, and report no failure."""

import time

import samples
from kills_sync import same, undisturbed

KILLS = 50
# A killed process's crawls are over for the others once they notice; what waits longer than this waits for ever.
DEADLINE = 90


def check(lab, tally):
    tables = samples.before_and_after(lab)
    right, seconds = undisturbed(lab, tables, "managed")
    rounds, finished = 0, 0
    while tally.kills < lab.times(KILLS):
        together = (2, 8)[rounds % 2]
        state = lab.directory("state")
        for folder in tables:
            victims = {2: 1, 8: 5}[together]
            processes = []
            for _ in range(together):
                processes.append(lab.sync(folder, state))
                time.sleep(lab.random.uniform(0, seconds / together))
            began = time.monotonic()
            for process in lab.random.sample(processes, victims):
                processes.remove(process)
                time.sleep(lab.random.uniform(0, seconds / 2))
                tally.kills += process.kill_after(time.monotonic() - process.started)
            for process in processes:
                done = process.wait(time.monotonic() - process.started + max(1, DEADLINE - (time.monotonic() - began)))
                finished += 1
                what = f"round {rounds}, {together} at once"
                tally.hung += done.code is None
                failed = [
                    line
                    for line in (done.report() or {}).get("tables", [])
                    if line["outcome"] not in ("crawled", "vanished")
                ]
                tally.expect(done.code == 0 and not failed, f"{what}: {done} {failed[:3]}")
        # What a killed one left for the next run to do, this one does.
        last = lab.sync(tables[-1], state).wait(DEADLINE)
        tally.hung += last.code is None
        tally.expect(last.code == 0, f"round {rounds}: the run afterwards: {last}")
        same(lab, tally, tables[-1], state, right, f"round {rounds}, {together} at once")
        rounds += 1
    tally.done.append(f"{rounds} rounds, {finished} runs beside killed ones ended")

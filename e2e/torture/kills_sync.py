"""`sync --local` killed at random moments, then run to the end: the catalog is that of a run which nobody disturbed."""

import catalog
import samples
from lab import Tally

KILLS = 90
KILLS_BEFORE_THE_END = 5


def undisturbed(lab, tables, engine):
    """The catalog that a run over the first tables, then one over the second, leave; and how long the first took."""
    state = lab.directory("state")
    seconds = []
    for folder in tables:
        done = lab.sync(folder, state, "--engine", engine).wait(120)
        assert done.code == 0, done
        seconds.append(done.seconds)
    return catalog.of(lab, tables[-1], state), seconds[0]


def same(lab, tally, tables, state, expected, what):
    """The catalog in `state` is the one expected: what differs fails the check, and counts as lost."""
    differences = list(catalog.differences(expected, catalog.of(lab, tables, state)))
    tally.lost += bool(differences)
    tally.expect(not differences, f"{what}: the catalog differs: {'; '.join(differences[:5])}")


def finishes(lab, tally: Tally, tables, state, engine, what):
    done = lab.sync(tables, state, "--engine", engine).wait(120)
    tally.hung += done.code is None
    return tally.expect(done.code == 0, f"{what}: {done}")


def check(lab, tally):
    tables = samples.before_and_after(lab)
    expected = {engine: undisturbed(lab, tables, engine) for engine in ("managed", "native")}
    rounds = 0
    while tally.kills < lab.times(KILLS):
        engine = "native" if rounds % 3 == 2 else "managed"
        right, seconds = expected[engine]
        state = lab.directory("state")
        for folder in tables:
            # Half of the rounds are killed while they make the catalog, half while they change it.
            if (folder is tables[0]) == (rounds % 2 == 0):
                for _ in range(KILLS_BEFORE_THE_END):
                    process = lab.sync(folder, state, "--engine", engine)
                    tally.kills += process.kill_after(lab.random.uniform(0, seconds))
            finishes(lab, tally, folder, state, engine, f"round {rounds}, {engine}")
        same(lab, tally, tables[-1], state, right, f"round {rounds}, {engine}")
        rounds += 1
    tally.done.append(
        f"{rounds} catalogs equal to undisturbed ones" if not tally.failures else f"{rounds} catalogs compared"
    )

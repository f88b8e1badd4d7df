"""Small tables, cut from the sample tables: runs over them are short, so that many can be killed."""

import gzip
import itertools
import json

from lab import SAMPLES, make_table


def cut(folder, items):
    """The sample tables with their first items."""
    folder.mkdir(parents=True, exist_ok=True)
    for description in SAMPLES.glob("*.json"):
        name = description.stem
        (folder / description.name).write_bytes(description.read_bytes())
        for data in (SAMPLES / f"{name}.jsonl", SAMPLES / f"{name}.jsonl.gz"):
            if data.exists():
                with (gzip.open if data.suffix == ".gz" else open)(data, "rt") as lines:
                    (folder / f"{name}.jsonl").write_text("".join(itertools.islice(lines, items)))
    return folder


def before_and_after(lab):
    """Two states of the same tables. In the second there is a table more and one less, and two have new attributes."""
    before, after = cut(lab.directory("before"), 60), cut(lab.directory("after"), 150)
    for path in after.glob("Payments-DeadLetters.*"):
        path.unlink()
    make_table(after, "New.Table", [json.dumps({"id": {"S": str(n)}, "Value": {"N": str(n)}}) for n in range(20)])
    make_table(before, "Widened", [json.dumps({"id": {"S": str(n)}, "V": {"N": str(n)}}) for n in range(20)])
    make_table(
        after,
        "Widened",
        [json.dumps({"id": {"S": str(n)}, "V": {"N": f"{n}.5"}, "Extra": {"L": []}}) for n in range(40)],
    )
    return before, after

"""Run with the interpreter that has sosw: its DynamoDbClient on one table, as a function of sosw's users has it.

Prints what the client made of the catalog and how many rows it read; with `write`, every row is put back.
"""

import json
import logging
import sys

from sosw.components.dynamo_db import DynamoDbClient

logging.disable(logging.CRITICAL)
table, fetch, *write = sys.argv[1:]
client = DynamoDbClient({"table_name": table, "dont_json_loads_results": True})
rows = client.get_by_scan(fetch_all_fields=fetch == "all")
for row in rows if write else []:
    client.put(row)
keys = {name: client.config.get(name) for name in ("hash_key", "range_key")}
print(json.dumps({"row_mapper": client.row_mapper, "rows": len(rows), **keys}))

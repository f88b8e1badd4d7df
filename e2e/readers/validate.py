"""Run with the interpreter that has jsonschema: of {"schema", "items"} on standard input, the places that are wrong."""

import json
import sys

from jsonschema import Draft7Validator

document = json.load(sys.stdin)
Draft7Validator.check_schema(document["schema"])
validator = Draft7Validator(document["schema"])
wrong = [list(error.absolute_path) for item in document["items"] for error in validator.iter_errors(item)]
json.dump(wrong, sys.stdout)

"""What a client of the checks sees: where things are, and an environment of its own."""

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = REPOSITORY / "examples" / "tables"
REGION = "us-east-1"
ACCOUNT = "123456789012"
DATABASE = "ddb_tables"


def environment(endpoint=None, **variables):
    """The whole environment of a client: no settings, credentials or proxies of whoever runs the checks."""
    own = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return own | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}) | variables

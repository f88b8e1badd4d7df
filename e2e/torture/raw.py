"""A client that costs next to nothing: JSON over one connection, with a signature that nobody verifies."""

import http.client
import json
import urllib.parse

TARGETS = {"glue": ("AWSGlue", "1.1"), "dynamodb": ("DynamoDB_20120810", "1.0")}


class Refused(Exception):
    """An answer that is an error, as the service words it."""

    def __init__(self, status, body):
        self.status = status
        try:
            parsed = json.loads(body)
            self.code = parsed.get("__type", "").rpartition("#")[2]
            self.message = parsed.get("message") or parsed.get("Message") or ""
        except ValueError:
            self.code, self.message = "", body[:300].decode(errors="replace")
        super().__init__(f"{status} {self.code}: {self.message}")


class Raw:
    """`Raw(url).glue("GetTable", DatabaseName=…)`. A lost connection raises; nothing is tried again."""

    def __init__(self, url, timeout=30):
        self.host = urllib.parse.urlparse(url).netloc
        self.timeout = timeout
        self.connection = None

    def glue(self, operation, **members):
        return self.call("glue", operation, members)

    def dynamodb(self, operation, **members):
        return self.call("dynamodb", operation, members)

    def call(self, service, operation, members):
        target, version = TARGETS[service]
        headers = {
            "Content-Type": f"application/x-amz-json-{version}",
            "X-Amz-Target": f"{target}.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
            "SignedHeaders=host, Signature=00",
        }
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, timeout=self.timeout)
        try:
            self.connection.request("POST", "/", json.dumps(members), headers)
            answer = self.connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if answer.will_close:
            self.close()
        if answer.status != 200:
            raise Refused(answer.status, body)
        return json.loads(body or b"{}")

    def pages(self, service, operation, key, **members):
        """All entries of a list."""
        while True:
            answer = self.call(service, operation, members)
            yield from answer[key]
            if not answer.get("NextToken"):
                return
            members["NextToken"] = answer["NextToken"]

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

"""Invokes the Python function in the folder given, as Lambda does with {}; prints its peak memory in KB last."""
import resource
import sys
import types

sys.path.insert(0, sys.argv[1])
import app  # noqa: E402

arn = "arn:aws:lambda:eu-west-1:123456789012:function:sys-glue-ddb-crawler"
app.lambda_handler({}, types.SimpleNamespace(invoked_function_arn=arn, aws_request_id="8476a536"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

"""Run with the interpreter that has pyspark, and a JVM: what Hive's and Spark's own parsers say of types.

Reads a JSON list of types from standard input, prints a JSON object: for each that a parser refuses, what it says.
No Spark session is needed, only its libraries: Hive's TypeInfoUtils and Spark's CatalystSqlParser, called through py4j.
"""

import json
import pathlib
import sys

import pyspark
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from py4j.protocol import Py4JJavaError

jars = pathlib.Path(pyspark.__file__).parent / "jars"
port, token = launch_gateway(classpath=str(jars / "*"), die_on_exit=True, enable_auth=True)
gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token))
packages = gateway.jvm
hive = packages.org.apache.hadoop.hive.serde2.typeinfo.TypeInfoUtils.getTypeInfoFromTypeString
spark = packages.org.apache.spark.sql.catalyst.parser.CatalystSqlParser().parseDataType


def refusal(parse, text):
    try:
        parse(text)
    except Py4JJavaError as error:
        exception = error.java_exception
        return f"{exception.getClass().getSimpleName()}: {exception.getMessage()}".strip().splitlines()[0]
    return None


refused = {}
for text in dict.fromkeys(json.load(sys.stdin)):
    verdicts = {name: refusal(parse, text) for name, parse in [("Hive", hive), ("Spark", spark)]}
    if any(verdicts.values()):
        refused[text] = {name: said for name, said in verdicts.items() if said}
json.dump({"versions": {"pyspark": pyspark.__version__}, "refused": refused}, sys.stdout)
gateway.shutdown()

"""settle.py is what the others are held against; these rows are worked out by hand from the rules."""

import pytest

import settle


def n(*numbers):
    return [{"N": number} for number in numbers]


MANY = {f"key_{number}": {"N": str(number)} for number in range(201)}


@pytest.mark.parametrize(
    ("seen", "glue_type"),
    [
        ([], "string"),
        ([{"NULL": True}], "string"),
        ([{"NULL": True}, {"BOOL": True}], "boolean"),
        ([{"S": "a"}, {"N": "1"}], "string"),
        ([{"B": "AA=="}], "binary"),
        (n("1.0", "2", "1E2"), "bigint"),
        (n("9223372036854775807", "-9223372036854775808"), "bigint"),
        (n("9223372036854775808"), "decimal(38,0)"),
        (n("9" * 38), "decimal(38,0)"),
        (n("1E38"), "string"),
        (n("0.1", "123456789012345"), "double"),
        (n("0.1", "9007199254740993"), "decimal(38,1)"),
        (n("0.12345678901234568", "0.3"), "double"),
        (n("0.12345678901234567", "0.3"), "decimal(38,17)"),
        (n("0.1234567890123456789"), "decimal(38,19)"),
        (n("0.1234567890123456789", "1E19"), "string"),
        (n("0.1234567890123456789", "1E18"), "decimal(38,19)"),
        ([{"L": []}], "array<string>"),
        ([{"L": n("1")}, {"NS": ["2.5"]}], "array<double>"),
        ([{"L": [{"S": "a"}]}, {"BS": ["AA=="]}], "array<string>"),
        ([{"L": []}, {"M": {}}], "string"),
        ([{"M": {}}], "map<string,string>"),
        (
            [{"M": {"b": {"S": ""}, "a": {"M": {}}}}, {"M": {"C": {"N": "1"}}}],
            "struct<C:bigint,a:map<string,string>,b:string>",
        ),
        ([{"M": {"a": {"S": ""}}}, {"M": {"A": {"N": "1"}}}], "map<string,string>"),
        ([{"M": {"content-type": {"S": ""}}}], "map<string,string>"),
        ([{"M": {"a": {"N": "1"}}}, {"M": {"1e5": {"N": "0.5"}}}], "map<string,double>"),
        (
            [{"M": {"2025": {"M": {"a": {"N": "1"}}}, "2026": {"M": {"b": {"S": ""}, "a": {"NULL": True}}}}}],
            "map<string,struct<a:bigint,b:string>>",
        ),
        ([{"M": {"": {"BOOL": True}}}], "map<string,boolean>"),
        ([{"M": dict(list(MANY.items())[:100])}, {"M": dict(list(MANY.items())[100:])}], "map<string,bigint>"),
    ],
)
def test_types(seen, glue_type):
    assert settle.settle(seen) == glue_type
    assert settle.settle(seen[::-1]) == settle.settle(seen)


def test_two_hundred_names_are_a_struct():
    at_most = dict(list(MANY.items())[:200])
    assert settle.settle([{"M": at_most}]).startswith("struct<key_0:bigint,key_1:bigint,key_10:bigint,")


def test_names():
    assert settle.catalog_table_name("Acme.Web-Sessions.Prod") == "acme_web_sessions_prod"
    # printf %s userId | sha256sum; printf %s user-agent | sha256sum
    assert settle.column_names(["userId", "userID", "user-agent", "user_agent", "2fa", "Größe"]) == {
        "userID": "userid",
        "userId": "userid_6ccb2121",
        "user_agent": "user_agent",
        "user-agent": "user_agent_a510e506",
        "2fa": "_2fa",
        "Größe": "gr__e",
    }
    long = settle.column_names(["a" * 300])["a" * 300]
    assert (len(long), long[:246], long[246]) == (255, "a" * 246, "_")

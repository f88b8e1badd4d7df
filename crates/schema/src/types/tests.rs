use super::*;

fn canonical(text: &str) -> String {
    text.parse::<GlueType>().map_or_else(|error| error.to_string(), |t| t.to_string())
}

#[test]
fn canonical_types_read_and_print_as_they_are() {
    for text in [
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "float",
        "double",
        "decimal(38,0)",
        "decimal(5,5)",
        "string",
        "char",
        "char(255)",
        "varchar",
        "varchar(65535)",
        "binary",
        "date",
        "timestamp",
        "timestamptz",
        "timestamp with local time zone",
        "interval_year_month",
        "interval_day_time",
        "void",
        "array<string>",
        "set<bigint>",
        "map<string,array<int>>",
        "struct<>",
        "struct<a:int,B-c.d:map<string,struct<x_1:binary>>>",
        "uniontype<int,string>",
        "uniontype<>",
        "struct<a\\:b\\,c\\<d\\>\\\\\\`:int>",
        "struct<größe:int>",
    ] {
        assert_eq!(canonical(text), text);
    }
}

#[test]
fn synonyms_case_and_space() {
    for (text, expected) in [
        ("INTEGER", "int"),
        ("Long", "bigint"),
        ("short", "smallint"),
        ("byte", "tinyint"),
        ("real", "float"),
        ("double  precision", "double"),
        ("decimal", "decimal(10,0)"),
        ("numeric(12)", "decimal(12,0)"),
        ("dec( 12 , 2 )", "decimal(12,2)"),
        ("timestamp with time zone", "timestamptz"),
        ("null", "void"),
        ("interval year to month", "interval_year_month"),
        ("INTERVAL DAY TO SECOND", "interval_day_time"),
        (" array < int > ", "array<int>"),
        ("struct< a : int , b b : string >", "struct<a:int,b\\ b:string>"),
        ("struct<`a``b:c`:int>", "struct<a\\`b\\:c:int>"),
        ("Map<String,Int>", "map<string,int>"),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_type_is_an_error_with_its_place() {
    for (text, expected) in [
        ("", "an unknown type at byte 0"),
        ("text", "an unknown type at byte 0"),
        ("array", "no '<' at byte 5"),
        ("array<int", "no ',' or '>' at byte 9"),
        ("array<>", "an unknown type at byte 6"),
        ("map<string>", "no ',' at byte 10"),
        ("struct<a>", "a field without a type at byte 8"),
        ("struct<a:int,>", "a field without a type at byte 13"),
        ("struct<a:what>", "an unknown type at byte 9"),
        ("struct<a", "no ':' at byte 8"),
        ("struct<`a:int>", "a back-tick that is not closed at byte 8"),
        ("struct<a\\", "nothing after a backslash at byte 9"),
        ("decimal(39,0)", "a precision outside of 1 to 38 at byte 8"),
        ("decimal(5,6)", "a scale above the precision at byte 10"),
        ("decimal(5,1", "no ')' at byte 11"),
        ("char(256)", "a length out of range at byte 5"),
        ("varchar(0)", "a length out of range at byte 8"),
        ("varchar(99999999999999999999)", "a length out of range at byte 8"),
        ("int)", "something after the type at byte 3"),
        ("int int", "an unknown type at byte 0"),
    ] {
        assert_eq!(canonical(text), format!("not a column type: {expected}"), "{text}");
    }
    let deep = format!("{}int{}", "array<".repeat(5000), ">".repeat(5000));
    assert_eq!(canonical(&deep), "not a column type: nested too deep at byte 606");
}

#[test]
fn normalised_is_what_the_athena_connector_takes() {
    for (text, expected) in [
        ("set<set<bigint>>", "array<array<bigint>>"),
        ("struct<>", "map<string,string>"),
        ("struct<a:struct<>,b:void,c:set<varchar(3)>>", "struct<a:map<string,string>,b:string,c:array<string>>"),
        ("map<char(2),uniontype<int,string>>", "map<string,string>"),
        ("interval_day_time", "string"),
        ("timestamp with local time zone", "timestamptz"),
        ("decimal(38,2)", "decimal(38,2)"),
    ] {
        let normalised = text.parse::<GlueType>().unwrap().normalised();
        assert_eq!(normalised.to_string(), expected);
        assert_eq!(normalised.normalised(), normalised);
    }
}

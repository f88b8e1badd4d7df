use super::*;

fn columns(names: &[&str], given: &[(&str, &str)], max: usize) -> Vec<(String, String)> {
    let given = given.iter().map(|(source, name)| ((*source).to_owned(), (*name).to_owned())).collect();
    unique(names.iter().copied(), &given, max, "", column).into_iter().collect()
}

fn pair(source: &str, name: &str) -> (String, String) {
    (source.to_owned(), name.to_owned())
}

#[test]
fn folding() {
    assert_eq!(fold("My-Orders.Table"), "my_orders_table");
    assert_eq!(fold("Größe"), "gr__e");
    assert_eq!(fold(""), "_");
    assert_eq!(column("2nd"), "_2nd");
    assert_eq!(fold("2nd"), "2nd");
}

#[test]
fn bounded_cuts_and_hashes_the_base() {
    assert_eq!(bounded("abc", "_x", 5), "abc_x");
    let long = "t".repeat(300);
    let name = bounded(&long, "_crawler", 255);
    assert_eq!(name.len(), 255);
    assert_eq!(&name[238..], format!("_{}_crawler", &sha256_hex(&long)[..8]));
    assert_eq!(bounded("äöüäöüäöüäöü", "", 14), format!("äö_{}", &sha256_hex("äöüäöüäöüäöü")[..8]));
}

#[test]
fn the_one_spelled_so_keeps_the_name_else_the_smallest() {
    let hash = |s| format!("userid_{}", &sha256_hex(s)[..8]);
    assert_eq!(
        columns(&["userId", "userid", "UserID"], &[], 255),
        [pair("UserID", &hash("UserID")), pair("userId", &hash("userId")), pair("userid", "userid")]
    );
    assert_eq!(columns(&["userId", "UserID"], &[], 255), [pair("UserID", "userid"), pair("userId", &hash("userId"))]);
}

#[test]
fn a_name_once_given_stays() {
    let hash = format!("userid_{}", &sha256_hex("userid")[..8]);
    assert_eq!(
        columns(&["userId", "userid"], &[("userId", "userid")], 255),
        [pair("userId", "userid"), pair("userid", &hash)]
    );
    // Given to a source that is gone: still reserved.
    assert_eq!(columns(&["userid"], &[("userId", "userid")], 255), [pair("userid", &hash)]);
    // Given twice, or nonsense: not kept.
    assert_eq!(
        columns(&["a", "b", "c"], &[("a", "x"), ("b", "X"), ("c", "")], 255),
        [pair("a", "x"), pair("b", "b"), pair("c", "c")]
    );
}

#[test]
fn a_hashed_name_that_exists_gets_more_digits() {
    let hash = sha256_hex("A");
    let spelled = format!("a_{}", &hash[..8]);
    assert_eq!(
        columns(&["A", "a", &spelled], &[], 255),
        [pair("A", &format!("a_{}", &hash[..16])), pair("a", "a"), pair(&spelled, &spelled)]
    );
}

#[test]
fn long_names_stay_apart_and_within_the_limit() {
    let (upper, lower) = ("X".repeat(300), "x".repeat(300));
    let names = columns(&[&upper, &lower], &[], 255);
    assert_eq!(names[0].1.len(), 255);
    assert_eq!(names[1].1.len(), 255);
    assert_ne!(names[0].1, names[1].1);
}

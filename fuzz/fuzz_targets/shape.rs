//! Two stored Shapes, as a catalog gives them back, whoever wrote them: what is taken is written back byte for byte, they merge
//! to the same in either order, and what they settle to can be read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schema::{GlueType, Key, KeyKind, Shape, TypeOptions, avro};

// The first two bytes say where the second Shape begins.
fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let (one, two) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let Ok(mut shape) = Shape::from_bytes(one) else { return };
    assert_eq!(shape.to_bytes(), one);
    if let Ok(mut other) = Shape::from_bytes(two) {
        let first = shape.clone();
        let (one, two) = (shape.merge(other.clone()), other.merge(first));
        assert_eq!(one, two);
        if one.is_err() {
            return;
        }
        assert_eq!(shape, other);
        assert_eq!(Shape::from_bytes(&shape.to_bytes()).as_ref(), Ok(&shape));
    }
    let keys = [Key { name: "a".to_owned(), kind: KeyKind::N }];
    let settled = shape.settle(&keys, &Default::default(), &TypeOptions::default());
    for column in &settled.columns {
        assert_eq!(column.glue_type.to_string().parse::<GlueType>().as_ref(), Ok(&column.glue_type));
    }
    let definition = avro::definition(&settled, "t", "d", None).expect("nothing in the way");
    assert_eq!(avro::columns(&definition).expect("a definition").len(), settled.columns.len());
});

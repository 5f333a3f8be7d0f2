//! Texts in CSV files (RFC 4180).

/// A text as a field: in quotes where it has a comma or quotes of its own.
pub fn field(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn quotes_stand_around_texts_that_need_them() {
        assert_eq!((field("a b"), field("a,\"b\"")), ("a b".into(), "\"a,\"\"b\"\"\"".into()));
    }
}

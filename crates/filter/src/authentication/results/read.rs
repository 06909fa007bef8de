//! Reading other people's Authentication-Results, as far as whose they claim to be (RFC 8601 §2.2).

/// The authserv-id of a field's value: a token or quoted string after blanks and comments (RFC 8601
/// §2.2), without its quotes; `None` if there is none that can be read. The value as it stands in
/// the message, with its folds.
pub fn authserv_id(value: &[u8]) -> Option<Vec<u8>> {
    let rest = behind_comments(value)?;
    let mut id = Vec::new();
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let mut bytes = quoted.iter();
        loop {
            match bytes.next()? {
                b'"' => break,
                b'\\' => id.push(*bytes.next()?),
                b'\r' | b'\n' => {}
                byte => id.push(*byte),
            }
        }
    } else {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b'(' | b'/');
        id.extend(rest.iter().take_while(|byte| !ends(byte)));
    }
    (!id.is_empty()).then_some(id)
}

/// What follows blanks, line folds and (nested) comments; `None` where a comment does not end.
fn behind_comments(value: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        match byte {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b'\\' if depth > 0 => at += 1,
            _ if depth > 0 || byte.is_ascii_whitespace() => {}
            _ => return value.get(at..),
        }
        at += 1;
    }
    (depth == 0).then_some(&[])
}

#[cfg(test)]
mod tests {
    use super::authserv_id;

    #[test]
    fn the_identifier_is_read_as_the_standard_writes_it() {
        for (value, expected) in [
            (" mx.example.org; spf=pass", Some("mx.example.org")),
            (" mx.example.org 1; spf=pass", Some("mx.example.org")),
            ("mx.example.org/1;", Some("mx.example.org")),
            ("\r\n\t(a (nested \\) one) b)\r\n mx.example.org;", Some("mx.example.org")),
            (" \"mx.example\\.org\";", Some("mx.example.org")),
            (" mx.example.org(c);", Some("mx.example.org")),
            (" ; none", None),
            ("", None),
            (" (open; mx.example.org;", None),
            (" \"open", None),
        ] {
            let id = authserv_id(value.as_bytes());
            assert_eq!(id.as_deref(), expected.map(str::as_bytes), "{value:?}");
        }
    }
}

//! Fields and bodies of the parts that we write ourselves, when a message is written anew or a part
//! of it is replaced.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_builder::headers::Header as _;
use mail_builder::headers::content_type::ContentType;

/// Characters of base64 on a line (RFC 2045 §6.8).
const LINE_LEN: usize = 76;

/// Writes one field that has a value and parameters: Content-Type or Content-Disposition.
pub fn field(out: &mut Vec<u8>, name: &str, value: &ContentType<'_>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    // The library writes the value with its line end.
    value.write_header(out, name.len() + 2);
}

/// Writes a body in base64, with the field that says so.
pub fn base64(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
    let mut line = String::with_capacity(LINE_LEN);
    for bytes in content.chunks(LINE_LEN / 4 * 3) {
        line.clear();
        STANDARD.encode_string(bytes, &mut line);
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Bytes that `content` has in base64, with its line ends.
pub(crate) fn base64_len(content: usize) -> usize {
    content.div_ceil(LINE_LEN / 4 * 3) * (LINE_LEN + 2)
}

#[cfg(test)]
mod tests {
    use super::{base64, base64_len};

    #[test]
    fn lines_are_short_and_their_sum_is_known() {
        for len in [0, 1, 56, 57, 58, 1_000] {
            let mut out = Vec::new();
            base64(&mut out, &vec![b'x'; len]);
            let body =
                out.strip_prefix(b"Content-Transfer-Encoding: base64\r\n\r\n").unwrap_or(b"-");
            assert!(body.split(|b| *b == b'\n').all(|line| line.len() <= 77), "{len}");
            assert!(body.len() <= base64_len(len) && base64_len(len) < body.len() + 78, "{len}");
        }
    }
}

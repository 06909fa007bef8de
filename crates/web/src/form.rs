//! What a browser sends of a form: `application/x-www-form-urlencoded` (the URL standard's). Pure.

use std::fmt;

/// The media type, without parameters.
pub(crate) const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";
/// Bytes of a form: ours have a few hundred.
pub const SIZE_MAX: usize = 16 * 1024;
/// Fields of a form.
const FIELDS_MAX: usize = 16;

/// The fields of a form, in their order; each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

/// Why something is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It has more bytes or fields than any form of ours.
    TooLarge,
    /// A `%` is not followed by two hexadecimal digits, or what it stands for is no UTF-8.
    Encoding,
    /// A name stands twice: two readers might take different ones.
    Twice,
}

impl Form {
    /// Reads a form.
    ///
    /// # Errors
    /// [`Malformed`], by what is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > SIZE_MAX {
            return Err(Malformed::TooLarge);
        }
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if fields.len() == FIELDS_MAX {
                return Err(Malformed::TooLarge);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || decode(halves.next().unwrap_or_default());
            let (name, value) = (half()?, half()?);
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Malformed::Twice);
            }
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// The value of a field; empty where it is not there: browsers send one that is left
    /// empty so.
    pub fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value.as_str())
    }

    /// All fields.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }
}

fn decode(text: &[u8]) -> Result<String, Malformed> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(Malformed::Encoding);
                };
                u8::try_from(16 * high + low).map_err(|_| Malformed::Encoding)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| Malformed::Encoding)
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::TooLarge => "form too large",
            Malformed::Encoding => "form with broken encoding",
            Malformed::Twice => "form with a name twice",
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may stop where it stands"
    )]

    use super::{Form, Malformed, SIZE_MAX};

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        let form = Form::parse(b"mark=1-ab&address=anna%2Bx%40example.org&empty=&bare").unwrap();
        assert_eq!(form.get("mark"), "1-ab");
        assert_eq!(form.get("address"), "anna+x@example.org");
        assert_eq!((form.get("empty"), form.get("bare"), form.get("other")), ("", "", ""));
        assert_eq!(form.fields().len(), 4);
        assert_eq!(Form::parse(b"a=b+c%3D=d&&").unwrap().get("a"), "b c==d");
        assert_eq!(Form::parse("a=gr%c3%b6%C3%9Fe".as_bytes()).unwrap().get("a"), "größe");
        assert_eq!(Form::parse(b"").unwrap(), Form::default());
    }

    #[test]
    fn what_is_broken_or_ambiguous_is_no_form() {
        for (body, expected) in [
            (&b"a=%"[..], Malformed::Encoding),
            (b"a=%4", Malformed::Encoding),
            (b"a=%4g", Malformed::Encoding),
            (b"a=%ff", Malformed::Encoding),
            (b"a=\xff", Malformed::Encoding),
            (b"a=1&b=2&%61=3", Malformed::Twice),
        ] {
            assert_eq!(Form::parse(body), Err(expected), "{body:?}");
        }
        let names: Vec<String> = (0..17).map(|n| format!("{n}=")).collect();
        assert_eq!(Form::parse(names.join("&").as_bytes()), Err(Malformed::TooLarge));
        assert!(Form::parse(names[..16].join("&").as_bytes()).is_ok());
        assert_eq!(Form::parse(&vec![b'a'; SIZE_MAX + 1]), Err(Malformed::TooLarge));
        assert!(Form::parse(&vec![b'a'; SIZE_MAX]).is_ok());
    }
}

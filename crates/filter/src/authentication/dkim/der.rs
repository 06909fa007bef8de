//! As much of DER as an RSA public key needs (ITU-T X.690 §8, RFC 8017 §A.1.1, RFC 5280 §4.1).
//!
//! Read here and not by the library, so that a key's size is known before anything is computed
//! with it.

/// rsaEncryption, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Modulus and exponent of an RSA public key, big-endian without leading zeros.
///
/// The key is bare (RSAPublicKey, as RFC 6376 §3.6.1 says) or within a SubjectPublicKeyInfo, as
/// everybody publishes it.
pub(super) fn rsa_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = whole(der, SEQUENCE)?;
    if outer.first() != Some(&SEQUENCE) {
        return numbers(outer);
    }
    let mut algorithm = take(&mut outer, SEQUENCE)?;
    if take(&mut algorithm, OBJECT)? != RSA {
        return None;
    }
    let bits = whole(outer, BIT_STRING)?;
    // The first byte counts unused bits at the end: none.
    numbers(whole(bits.strip_prefix(&[0])?, SEQUENCE)?)
}

fn numbers(mut rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (modulus, exponent) = (take(&mut rest, INTEGER)?, take(&mut rest, INTEGER)?);
    rest.is_empty().then_some(())?;
    Some((positive(modulus)?, positive(exponent)?))
}

/// A number above zero, without the zero that keeps it from being negative.
fn positive(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0, rest @ ..] => rest.first().is_some_and(|&b| b >= 0x80).then_some(rest),
        [first, ..] if *first < 0x80 => Some(bytes),
        _ => None,
    }
}

/// The content of a value that is all there is.
fn whole(mut bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let content = take(&mut bytes, tag)?;
    bytes.is_empty().then_some(content)
}

/// Takes a value off the front.
fn take<'d>(bytes: &mut &'d [u8], tag: u8) -> Option<&'d [u8]> {
    let (&[found, first], mut rest) = bytes.split_first_chunk()?;
    if found != tag {
        return None;
    }
    let len = match first {
        0..=0x7f => usize::from(first),
        // Two length bytes: 64 KiB, more than any record of the DNS.
        0x81 | 0x82 => {
            let (len, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = behind;
            len.iter().fold(0, |len, &b| len << 8 | usize::from(b))
        }
        _ => return None,
    };
    let (content, behind) = rest.split_at_checked(len)?;
    *bytes = behind;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::rsa_key;

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let bare = [0x30, 7, 2, 2, 0, 0x80, 2, 1, 3];
        assert_eq!(rsa_key(&bare), Some((&[0x80][..], &[3][..])));
        let mut info = vec![0x30, 0x1b, 0x30, 0x0d, 0x06, 9];
        info.extend([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0]);
        info.extend([0x03, 10, 0]);
        info.extend(bare);
        assert_eq!(rsa_key(&info), Some((&[0x80][..], &[3][..])));
        for cut in 0..info.len() {
            assert_eq!(rsa_key(info.get(..cut).unwrap_or_default()), None, "{cut}");
        }
        info.push(0);
        assert_eq!(rsa_key(&info), None);
        // Negative, zero, and a zero too many.
        for n in [[0x80, 1], [0, 0], [0, 1]] {
            assert_eq!(rsa_key(&[0x30, 7, 2, 2, n[0], n[1], 2, 1, 3]), None, "{n:?}");
        }
        // A length without end.
        assert_eq!(rsa_key(&[0x30, 0x80, 2, 1, 1, 2, 1, 3, 0, 0]), None);
        assert_eq!(rsa_key(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}

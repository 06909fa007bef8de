//! The filters of a PDF's streams (ISO 32000-1 §7.4).

/// A filter, in the order in which they are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Flate,
    Hex,
    Base85,
    /// LZW, runs, images, encryption: nothing that holds objects in practice.
    Unknown,
}

/// Filters of one stream; more are a bomb.
const FILTERS_MAX: usize = 8;

/// The filters that a dictionary names, long or short. Named elsewhere, they are guessed.
pub(super) fn filters(dictionary: &[u8], data: &[u8]) -> Vec<Filter> {
    let text = String::from_utf8_lossy(dictionary).into_owned();
    let Some((_, after)) = text.split_once("/Filter") else {
        return Vec::new();
    };
    let after = after.trim_start();
    let value = match after.strip_prefix('[') {
        Some(list) => list.split(']').next().unwrap_or_default(),
        None => after.get(..after.len().min(32)).unwrap_or(after),
    };
    let is_list = after.starts_with('[');
    let names = value.split('/').skip(1).take(if is_list { FILTERS_MAX } else { 1 });
    let found: Vec<Filter> = names
        .map(|name| {
            let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
            match name.get(..end).unwrap_or_default() {
                "FlateDecode" | "Fl" => Filter::Flate,
                "ASCIIHexDecode" | "AHx" => Filter::Hex,
                "ASCII85Decode" | "A85" => Filter::Base85,
                _ => Filter::Unknown,
            }
        })
        .collect();
    // A reference, or a name with escapes: zlib's head says enough.
    let is_zlib = data.first().is_some_and(|byte| byte & 0x0F == 8);
    if is_zlib && (found.is_empty() || found == [Filter::Unknown]) {
        return vec![Filter::Flate];
    }
    found
}

/// Hexadecimal digits until `>`.
pub(super) fn from_hex(text: &[u8]) -> Vec<u8> {
    let digits = text.iter().take_while(|byte| **byte != b'>');
    let digits: Vec<u8> = digits
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit) << (4 * (2 - pair.len())))
        .collect()
}

/// Five letters are four bytes, `z` four zeros, `~` ends it.
pub(super) fn from_base85(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut group = Vec::with_capacity(5);
    for byte in text.iter().take_while(|byte| **byte != b'~') {
        match byte {
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(byte - b'!'),
            _ => {}
        }
        if group.len() == 5 {
            out.extend(four(&group));
            group.clear();
        }
    }
    if group.len() > 1 {
        let count = group.len() - 1;
        group.resize(5, 84);
        out.extend(four(&group).into_iter().take(count));
    }
    out
}

fn four(group: &[u8]) -> [u8; 4] {
    let digits = group.iter();
    let value = digits.fold(0_u32, |sum, digit| sum.wrapping_mul(85).wrapping_add((*digit).into()));
    value.to_be_bytes()
}

//! Names as programs would show them: nobody says which charset a name is in, so that every likely
//! reading is given.

use encoding_rs::{UTF_16LE, WINDOWS_1252};

/// Bytes of a name that are read; no file system has longer paths.
pub(super) const NAME_MAX: usize = 4_096;

/// The readings of a name in bytes: UTF-8 where it is valid, else code page 437 (zip's own, APPNOTE
/// appendix D) and Windows-1252; with a NUL in it also what stands before, which is where programs
/// in C stop.
pub(super) fn readings(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.get(..NAME_MAX).unwrap_or(bytes);
    let mut names = Vec::new();
    match std::str::from_utf8(bytes) {
        Ok(name) => put(&mut names, name.to_string()),
        Err(_) => {
            put(&mut names, bytes.iter().map(|byte| code_page_437(*byte)).collect());
            put(&mut names, WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned());
        }
    }
    until_nul(&mut names);
    names
}

/// The reading of a name in UTF-16, low byte first.
pub(super) fn wide(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.get(..NAME_MAX).unwrap_or(bytes);
    let mut names = Vec::new();
    put(&mut names, UTF_16LE.decode_without_bom_handling(bytes).0.into_owned());
    until_nul(&mut names);
    names
}

/// Adds a name that is not there yet and not empty.
pub(super) fn put(names: &mut Vec<String>, name: String) {
    if !name.is_empty() && !names.contains(&name) {
        names.push(name);
    }
}

/// Adds names that are not there yet.
pub(super) fn join(names: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for name in more {
        put(names, name);
    }
}

fn until_nul(names: &mut Vec<String>) {
    for name in names.clone() {
        if let Some((before, _)) = name.split_once('\0') {
            put(names, before.to_string());
        }
    }
}

fn code_page_437(byte: u8) -> char {
    let high = byte.checked_sub(128).and_then(|high| HIGH.get(usize::from(high)));
    high.copied().unwrap_or(char::from(byte))
}

/// The upper half of code page 437.
#[rustfmt::skip]
const HIGH: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å',
    'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ',
    'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '⌐', '¬', '½', '¼', '¡', '«', '»',
    '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕', '╣', '║', '╗', '╝', '╜', '╛', '┐',
    '└', '┴', '┬', '├', '─', '┼', '╞', '╟', '╚', '╔', '╩', '╦', '╠', '═', '╬', '╧',
    '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌', '█', '▄', '▌', '▐', '▀',
    'α', 'ß', 'Γ', 'π', 'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ', 'ε', '∩',
    '≡', '±', '≥', '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', '\u{a0}',
];

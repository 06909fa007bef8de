//! What a subject says once every disguise is off: the form that rules are matched on.
//!
//! Two subjects that a person reads as the same come out the same: compatibility forms become
//! plain (NFKC), letters lose their case, characters that show nothing are dropped, white space is
//! one blank. Chains of reply and forward marks are found and written in one way, so that a rule
//! can look behind them.

use unicode_normalization::UnicodeNormalization;

/// Places behind marks that are kept: the whole subject and the innermost ones. Real chains have
/// two or three marks; a stranger may send thousands, and each place is matched by itself.
const STARTS_MAX: usize = 9;
/// Rounds of folding until nothing changes any more; two are enough for every character known.
const ROUNDS_MAX: usize = 4;

/// Marks of replies and forwards in the languages that mail programs speak, folded.
const MARKS: &[&str] = &[
    "re",      // English and most others
    "fwd",     // English: forward
    "fw",      // English: forward
    "aw",      // German: reply
    "wg",      // German: forward
    "antwort", // German: reply
    "antw",    // Dutch: reply
    "doorst",  // Dutch: forward
    "sv",      // Scandinavian: reply
    "vs",      // Scandinavian: forward; Finnish: reply
    "vb",      // Swedish: forward
    "vl",      // Finnish: forward
    "rv",      // Spanish: forward
    "res",     // Portuguese: reply
    "enc",     // Portuguese: forward
    "ref",     // French: reply ("réf" in older programs)
    "réf",     // French: reply
    "tr",      // French: forward
    "rif",     // Italian: reply
    "odp",     // Polish: reply
    "pd",      // Polish: forward
    "ynt",     // Turkish: reply
    "ilt",     // Turkish: forward
    "atb",     // Welsh: reply
    "vá",      // Hungarian: reply
    "отв",     // Russian: reply
    "回复",    // Chinese: reply
    "回覆",    // Chinese: reply
    "答复",    // Chinese: reply
    "转发",    // Chinese: forward
    "轉寄",    // Chinese: forward
    "返信",    // Japanese: reply
    "転送",    // Japanese: forward
];

/// A subject in the form that rules are matched on.
///
/// `RE[2]:  Fwd : Déta\u{200b}ils` is kept as `re: fwd: détails` with three places to match from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    text: String,
    starts: Vec<usize>,
}

impl Subject {
    /// Normalises a subject that is already decoded (RFC 2047) and unfolded.
    pub fn new(decoded: &str) -> Self {
        let folded = fold(decoded);
        let mut text = String::with_capacity(folded.len());
        let mut starts = vec![0];
        let mut rest = folded.as_str();
        while let Some((mark, behind)) = mark(rest) {
            text.push_str(mark);
            text.push_str(if behind.is_empty() { ":" } else { ": " });
            if starts.len() == STARTS_MAX {
                // The whole stays, the outermost of the others goes.
                starts.remove(1);
            }
            starts.push(text.len());
            rest = behind;
        }
        text.push_str(rest);
        Self { text, starts }
    }

    /// The whole, with its marks in their one form.
    pub fn whole(&self) -> &str {
        &self.text
    }

    /// Whether it begins with a mark of a reply or forward.
    pub fn is_marked(&self) -> bool {
        self.starts.len() > 1
    }

    /// The subject behind all marks.
    pub fn bare(&self) -> &str {
        self.starts.last().and_then(|at| self.text.get(*at..)).unwrap_or(&self.text)
    }

    /// The whole, then what is behind each of its marks: `fw: re: x`, `re: x`, `x`.
    pub fn views(&self) -> impl Iterator<Item = &str> {
        self.starts.iter().filter_map(|at| self.text.get(*at..))
    }
}

/// The mark that `text` (folded) begins with, and what is behind it.
///
/// A mark may carry a count, as some programs write it: `re[2]:`, `re(2):`, `re^2:`, `re*2:`.
fn mark(text: &str) -> Option<(&'static str, &str)> {
    // Only a short word can be a mark; most subjects have no colon near their beginning.
    let colon = text.char_indices().take(16).find(|(_, c)| *c == ':')?.0;
    let (head, rest) = text.split_at(colon);
    let behind = rest.strip_prefix(':')?.trim_start_matches(' ');
    let word = without_count(head.trim_end_matches(' '));
    MARKS.iter().find(|mark| **mark == word).map(|mark| (*mark, behind))
}

fn without_count(head: &str) -> &str {
    let counted = [('[', "]"), ('(', ")"), ('^', ""), ('*', "")];
    for (open, close) in counted {
        let inner = head.strip_suffix(close).and_then(|h| h.rsplit_once(open));
        if let Some((word, count)) = inner
            && !count.is_empty()
            && count.bytes().all(|b| b.is_ascii_digit())
        {
            return word.trim_end_matches(' ');
        }
    }
    head
}

/// Compatibility forms, case, invisible characters and white space folded away.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return squeeze(&text.to_ascii_lowercase());
    }
    let mut text = text.to_owned();
    for _ in 0..ROUNDS_MAX {
        let next: String = text
            .nfkc()
            .filter(|c| !is_invisible(*c))
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .collect();
        if next == text {
            break;
        }
        text = next;
    }
    squeeze(&text)
}

/// Runs of white space become one blank, none at the ends; controls go.
fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        // U+2800 is a blank braille cell: no white space for Unicode, but for every eye.
        if c.is_whitespace() || c == '\u{2800}' {
            gap = true;
        } else if !c.is_control() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
    }
    out
}

/// Characters that show nothing or only turn the direction of others: Unicode's
/// Default_Ignorable_Code_Point and the format controls beside it.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{Subject, fold};
    use proptest::prelude::*;

    fn check(decoded: &str, views: &[&str]) {
        let subject = Subject::new(decoded);
        assert_eq!(subject.views().collect::<Vec<_>>(), views, "{decoded:?}");
        assert_eq!(subject.bare(), *views.last().unwrap_or(&""), "{decoded:?}");
        assert_eq!(subject.is_marked(), views.len() > 1, "{decoded:?}");
    }

    #[test]
    fn marks_come_off_one_by_one() {
        check("Details", &["details"]);
        check("Re: Details", &["re: details", "details"]);
        check("FW: Re: Details", &["fw: re: details", "re: details", "details"]);
        check(
            "AW:WG:Antw:SV:VS: x",
            &[
                "aw: wg: antw: sv: vs: x",
                "wg: antw: sv: vs: x",
                "antw: sv: vs: x",
                "sv: vs: x",
                "vs: x",
                "x",
            ],
        );
        check(
            "RE[2] :  Re(3): re^4: RE*5: x",
            &["re: re: re: re: x", "re: re: re: x", "re: re: x", "re: x", "x"],
        );
        check("回复：转发: x", &["回复: 转发: x", "转发: x", "x"]);
        check("Re:", &["re:", ""]);
        check("", &[""]);
    }

    #[test]
    fn what_only_looks_like_a_mark_stays() {
        check("Regarding: x", &["regarding: x"]);
        check("Re x: y", &["re x: y"]);
        check("Re[]: x", &["re[]: x"]);
        check("12:30 re: x", &["12:30 re: x"]);
    }

    #[test]
    fn a_long_chain_keeps_the_whole_and_the_innermost() {
        let subject = Subject::new(&format!("{}Details", "Re: ".repeat(1000)));
        assert_eq!(subject.views().count(), super::STARTS_MAX);
        assert_eq!(subject.views().next().map(str::len), Some(4007));
        assert_eq!(subject.bare(), "details");
        assert!(subject.views().any(|view| view == "re: details"));
    }

    #[test]
    fn disguises_come_off() {
        for disguised in [
            "Details",
            "DETAILS",
            " details\t",
            "ＤＥＴＡＩＬＳ",
            "De\u{200b}ta\u{ad}ils",
            "𝐃𝐞𝐭𝐚𝐢𝐥𝐬",
            "\u{202e}details\u{202c}",
            "d\u{feff}etails",
            "ⓓⓔⓣⓐⓘⓛⓢ",
            "deta\u{0}ils",
            "Detaıls",
            "details\u{2800}",
            "\u{e0001}details",
        ] {
            assert_eq!(fold(disguised), "details", "{disguised:?}");
        }
        assert_eq!(fold("Straße ﬁn  \u{a0}\u{3000}ΣΑΣ"), "strasse fin σασ");
        assert_eq!(fold("e\u{200d}\u{301}"), "é");
    }

    #[test]
    fn every_character_folds_to_a_fixed_point() {
        for c in '\0'..=char::MAX {
            let once = fold(c.encode_utf8(&mut [0; 4]));
            assert_eq!(fold(&once), once, "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}|((re|FW|Aw)(\\[2\\])? ?: ?){0,4}.{0,9}") {
            let once = Subject::new(&text);
            prop_assert_eq!(&Subject::new(once.whole()), &once);
        }

        #[test]
        fn any_characters_fold_to_a_fixed_point(text in proptest::collection::vec(any::<char>(), 0..12)) {
            let once = fold(&text.into_iter().collect::<String>());
            prop_assert_eq!(&fold(&once), &once);
        }
    }
}

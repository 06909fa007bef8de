//! Cuts an address field into tokens (RFC 5322 §3.2).

use crate::mime::comment_end;

/// A token of an address field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A run of characters that are none of the others: atoms, raw UTF-8, stray characters.
    Atom(Vec<u8>),
    /// The content of a quoted string, without its backslashes.
    Quoted(Vec<u8>),
    /// A domain literal with its brackets.
    Literal(Vec<u8>),
    /// The content of a comment.
    Comment(Vec<u8>),
    /// One of `<>,;:@.`
    Mark(u8),
    /// Blanks.
    Blank,
    /// Something that does not end or should not be there.
    Odd,
}

/// The tokens of a field; reading takes at least one byte for each.
pub(super) struct Lexer<'a> {
    rest: &'a [u8],
    /// What opened without an end; it is not searched for again, or a field of nothing but quotes
    /// would take quadratic time.
    endless: Vec<u8>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, endless: Vec::new() }
    }

    fn split(&mut self, at: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(at.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// What stands up to the closing character, without its backslashes.
    fn delimited(&mut self, open: u8, close: u8) -> Option<Vec<u8>> {
        if self.endless.contains(&open) {
            return None;
        }
        let (mut content, mut escaped) = (Vec::new(), false);
        for (at, &b) in self.rest.iter().enumerate().skip(1) {
            match b {
                _ if escaped => {
                    escaped = false;
                    content.push(b);
                }
                b'\\' => escaped = true,
                _ if b == close => {
                    self.split(at + 1);
                    return Some(content);
                }
                _ => content.push(b),
            }
        }
        self.endless.push(open);
        None
    }

    fn comment(&mut self) -> Option<Vec<u8>> {
        if self.endless.contains(&b'(') {
            return None;
        }
        let Some(end) = comment_end(self.rest) else {
            self.endless.push(b'(');
            return None;
        };
        let comment = self.split(end);
        Some(comment.get(1..end - 1).unwrap_or_default().to_vec())
    }

    /// An open quote or bracket is a character like others: the rest must not be swallowed.
    fn odd(&mut self) -> Token {
        self.split(1);
        Token::Odd
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let &first = self.rest.first()?;
        Some(match first {
            b' ' | b'\t' | b'\r' | b'\n' => {
                let blank = |b: &u8| b.is_ascii_whitespace();
                let len = self.rest.iter().position(|b| !blank(b));
                self.split(len.unwrap_or(usize::MAX));
                Token::Blank
            }
            b'<' | b'>' | b',' | b';' | b':' | b'@' | b'.' => {
                self.split(1);
                Token::Mark(first)
            }
            b'(' => self.comment().map_or_else(|| self.odd(), Token::Comment),
            b'"' => self.delimited(b'"', b'"').map_or_else(|| self.odd(), Token::Quoted),
            b'[' => {
                let literal =
                    |content: Vec<u8>| Token::Literal([b"[", content.as_slice(), b"]"].concat());
                self.delimited(b'[', b']').map_or_else(|| self.odd(), literal)
            }
            b')' | b']' | b'\\' | 0..=31 | 127 => self.odd(),
            _ => {
                let ends = |b: &u8| b"<>,;:@.()[]\"\\".contains(b) || b.is_ascii_control();
                let len = self.rest.iter().position(|b| ends(b) || *b == b' ');
                Token::Atom(self.split(len.unwrap_or(usize::MAX)).to_vec())
            }
        })
    }
}

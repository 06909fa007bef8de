//! The words of a zone file: comments, quotes, escapes and parentheses taken out.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Without quotes.
    Word(String),
    /// In quotes, escapes resolved.
    Quoted(String),
}

impl Token {
    pub(super) fn text(&self) -> &str {
        match self {
            Token::Word(text) | Token::Quoted(text) => text,
        }
    }
}

/// One record or directive; parentheses join several lines to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// It begins with a blank: the name is that of the record before.
    pub(super) indented: bool,
    /// At least one.
    pub(super) tokens: Vec<Token>,
}

/// The entries of `text`, in order, up to the first fault (its line, and what it is).
pub(super) fn entries(text: &str) -> Entries<'_> {
    Entries { characters: text.chars().peekable(), line: 1, broken: false }
}

pub(super) struct Entries<'a> {
    characters: Peekable<Chars<'a>>,
    line: usize,
    broken: bool,
}

type Fault = (usize, String);

impl Iterator for Entries<'_> {
    type Item = Result<Entry, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.broken && self.characters.peek().is_some() {
            match self.entry() {
                Ok(entry) if entry.tokens.is_empty() => {}
                Ok(entry) => return Some(Ok(entry)),
                Err(fault) => {
                    self.broken = true;
                    return Some(Err(fault));
                }
            }
        }
        None
    }
}

impl Entries<'_> {
    fn entry(&mut self) -> Result<Entry, Fault> {
        let mut entry = Entry {
            line: self.line,
            indented: self.characters.peek().is_some_and(|c| matches!(c, ' ' | '\t')),
            tokens: Vec::new(),
        };
        let mut open: Option<usize> = None;
        while let Some(c) = self.characters.next() {
            match c {
                '\n' => {
                    self.line += 1;
                    if open.is_none() {
                        return Ok(entry);
                    }
                }
                ' ' | '\t' | '\r' => {}
                ';' => while self.characters.next_if(|&c| c != '\n').is_some() {},
                '(' if open.is_none() => open = Some(self.line),
                ')' if open.is_some() => open = None,
                '(' | ')' => return Err((self.line, format!("unexpected {c}"))),
                '"' => entry.tokens.push(Token::Quoted(self.quoted()?)),
                first => entry.tokens.push(Token::Word(self.word(first)?)),
            }
        }
        match open {
            Some(line) => Err((line, "a parenthesis is not closed".to_owned())),
            None => Ok(entry),
        }
    }

    fn word(&mut self, first: char) -> Result<String, Fault> {
        let mut word = String::new();
        let mut next = Some(first);
        while let Some(c) = next {
            word.push(if c == '\\' { self.escaped()? } else { c });
            next = self
                .characters
                .next_if(|c| !matches!(c, ' ' | '\t' | '\r' | '\n' | ';' | '(' | ')' | '"'));
        }
        Ok(word)
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let mut text = String::new();
        loop {
            match self.characters.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escaped()?),
                Some('\n') | None => {
                    return Err((self.line, "a quote is not closed on its line".to_owned()));
                }
                Some(c) => text.push(c),
            }
        }
    }

    /// What follows a backslash: a character as it is, or the three digits of one.
    fn escaped(&mut self) -> Result<char, Fault> {
        let fault = |line| (line, "a backslash needs a character or three digits".to_owned());
        let Some(first) = self.characters.next_if(|&c| c != '\n') else {
            return Err(fault(self.line));
        };
        let Some(hundreds) = first.to_digit(10) else { return Ok(first) };
        let mut code = hundreds;
        for _ in 0..2 {
            let digit = self.characters.next().and_then(|c| c.to_digit(10));
            code = code * 10 + digit.ok_or_else(|| fault(self.line))?;
        }
        // Beyond ASCII there is no telling which character a byte belongs to.
        match u8::try_from(code) {
            Ok(byte) if byte.is_ascii() => Ok(char::from(byte)),
            _ => Err((self.line, "only ASCII characters can be written as digits".to_owned())),
        }
    }
}

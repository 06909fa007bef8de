//! From tokens to mailboxes.

use super::lexer::{Lexer, Token};
use super::{AddressList, MAILBOXES_MAX, Mailbox};
use crate::Address;
use crate::mime::{charset, words};

pub(super) fn list(unfolded: &[u8]) -> AddressList {
    let mut reading = Reading::default();
    for token in Lexer::new(unfolded) {
        reading.token(token);
        if reading.list.mailboxes.len() > MAILBOXES_MAX {
            reading.list.mailboxes.truncate(MAILBOXES_MAX);
            reading.list.odd = true;
            return reading.list;
        }
    }
    reading.list.odd |= reading.is_angle || reading.group.is_some();
    reading.end();
    reading.list
}

/// The mailbox under way.
#[derive(Default)]
struct Reading {
    list: AddressList,
    group: Option<String>,
    /// What stands before the angle bracket, or all if there is none.
    phrase: Vec<Token>,
    /// What stands in angle brackets.
    angle: Option<Vec<Token>>,
    /// Whether the angle bracket is open.
    is_angle: bool,
    comment: Option<Vec<u8>>,
    /// Whether the phrase holds an `@`.
    has_at: bool,
}

impl Reading {
    fn token(&mut self, token: Token) {
        let after_angle = self.angle.is_some() && !self.is_angle;
        match token {
            Token::Comment(text) => self.comment = Some(text),
            Token::Mark(b',') if !self.is_angle => self.end(),
            Token::Mark(b';') if !self.is_angle => {
                self.end();
                // Some programs separate mailboxes by semicolons.
                self.list.odd |= self.group.take().is_none();
            }
            Token::Mark(b':') if !self.is_angle && self.group.is_none() && !self.has_at => {
                self.group = Some(text(&self.phrase));
                self.phrase.clear();
            }
            Token::Mark(b'<') if !self.is_angle => {
                if after_angle {
                    self.list.odd = true;
                    self.end();
                }
                self.is_angle = true;
                self.angle = Some(Vec::new());
            }
            Token::Mark(b'>') if self.is_angle => self.is_angle = false,
            Token::Blank if after_angle => (),
            token => {
                if after_angle {
                    // A comma is missing, or something was put behind the address.
                    self.list.odd = true;
                    self.end();
                }
                self.list.odd |= token == Token::Odd;
                match &mut self.angle {
                    Some(angle) if self.is_angle => angle.push(token),
                    _ => {
                        self.has_at |= token == Token::Mark(b'@');
                        self.phrase.push(token);
                    }
                }
            }
        }
    }

    /// The mailbox under way is complete.
    fn end(&mut self) {
        let phrase = std::mem::take(&mut self.phrase);
        let comment = self.comment.take().map(|text| words::decode(&text));
        (self.is_angle, self.has_at) = (false, false);
        let Some(angle) = self.angle.take() else {
            if phrase.iter().all(|token| *token == Token::Blank) {
                return;
            }
            let (specs, exact) = specs(&phrase);
            self.list.odd |= !exact;
            self.list.broken |= !exact;
            if specs.is_empty() {
                self.add(comment.clone(), text(&phrase));
            }
            for spec in specs {
                self.add(comment.clone(), spec);
            }
            return;
        };
        // `a@b <c@d>`: one program takes the first, another the second.
        for spec in specs(&phrase).0 {
            self.list.odd = true;
            self.add(None, spec);
        }
        let shown = text(&phrase);
        let name = if shown.is_empty() { comment } else { Some(shown) };
        let (found, exact) = specs(without_route(&angle));
        self.list.odd |= !exact;
        self.list.broken |= !exact;
        if found.is_empty() {
            self.add(name.clone(), text(&angle));
        }
        for spec in found {
            self.add(name.clone(), spec);
        }
    }

    fn add(&mut self, name: Option<String>, text: String) {
        let address = Address::parse(&text);
        self.list.odd |= address.is_err();
        self.list.broken |= address.is_err();
        let name = name.filter(|name| !name.is_empty());
        self.list.mailboxes.push(Mailbox { name, group: self.group.clone(), text, address });
    }
}

/// The obsolete route of `<@a,@b:c@d>` (RFC 5322 §4.4) names no mailbox.
fn without_route(angle: &[Token]) -> &[Token] {
    let first = angle.iter().find(|token| **token != Token::Blank);
    let colon = angle.iter().position(|token| *token == Token::Mark(b':'));
    match (first, colon) {
        (Some(Token::Mark(b'@')), Some(colon)) => angle.get(colon + 1..).unwrap_or_default(),
        _ => angle,
    }
}

/// Every `local@host` among the tokens, and whether there is just one and nothing else.
fn specs(tokens: &[Token]) -> (Vec<String>, bool) {
    let tokens: Vec<&Token> = tokens.iter().filter(|token| **token != Token::Blank).collect();
    let (mut found, mut exact) = (Vec::new(), false);
    for (at, _) in tokens.iter().enumerate().filter(|(_, t)| ***t == Token::Mark(b'@')) {
        let (before, behind) = tokens.split_at(at);
        let behind = behind.get(1..).unwrap_or_default();
        let local = words_back(before);
        let host = host_len(behind);
        if found.len() == MAILBOXES_MAX {
            return (found, false);
        }
        exact = found.is_empty() && local == before.len() && host == behind.len();
        let local = before.get(before.len() - local..).unwrap_or_default();
        let host = behind.get(..host).unwrap_or_default();
        found.push(format!("{}@{}", local_text(local), joined(host)));
    }
    (found, exact)
}

/// How many tokens at the end make a local part: words with dots between them.
fn words_back(tokens: &[&Token]) -> usize {
    let mut word_due = true;
    let fits = |token: &&&Token| {
        let fits = match token {
            Token::Atom(_) | Token::Quoted(_) => word_due,
            Token::Mark(b'.') => true,
            _ => false,
        };
        word_due = matches!(token, Token::Mark(b'.'));
        fits
    };
    tokens.iter().rev().take_while(fits).count()
}

/// How many tokens at the start make a host: a literal, or atoms with dots between them.
fn host_len(tokens: &[&Token]) -> usize {
    if matches!(tokens.first(), Some(Token::Literal(_))) {
        return 1;
    }
    let mut atom_due = true;
    let fits = |token: &&&Token| {
        let fits = match token {
            Token::Atom(_) => atom_due,
            Token::Mark(b'.') => true,
            _ => false,
        };
        atom_due = matches!(token, Token::Mark(b'.'));
        fits
    };
    tokens.iter().take_while(fits).count()
}

/// Quoted where a word was; which quotes are needed [`Address`] knows.
fn local_text(tokens: &[&Token]) -> String {
    let plain = joined(tokens);
    if tokens.iter().any(|token| matches!(token, Token::Quoted(_))) {
        let escaped = plain.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{escaped}\"");
    }
    plain
}

fn joined(tokens: &[&Token]) -> String {
    let mut bytes = Vec::new();
    tokens.iter().for_each(|token| write(token, &mut bytes));
    charset::guess(&bytes)
}

/// A phrase as people read it.
fn text(tokens: &[Token]) -> String {
    let mut bytes = Vec::new();
    tokens.iter().for_each(|token| write(token, &mut bytes));
    words::decode(bytes.trim_ascii())
}

fn write(token: &Token, out: &mut Vec<u8>) {
    match token {
        Token::Atom(text) | Token::Quoted(text) | Token::Literal(text) => out.extend(text),
        Token::Mark(mark) => out.push(*mark),
        Token::Blank => out.push(b' '),
        Token::Comment(_) | Token::Odd => (),
    }
}

//! SPF's macros as they are written (RFC 7208 §7): parsed whole before anything is evaluated,
//! because a syntax error anywhere in a record voids it.

/// A text with macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroString {
    tokens: Vec<Token>,
}

/// A text with macros that names a domain once it is expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSpec(MacroString);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// As it stands; `%%`, `%_` and `%-` are here already what they mean.
    Literal(String),
    Macro(Macro),
}

/// `%{ letter digits r delimiters }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Macro {
    pub(super) letter: Letter,
    /// The letter was upper case: the value is escaped for a URL.
    pub(super) is_escaped: bool,
    /// Parts that are kept, counted from the right.
    pub(super) keep: Option<usize>,
    pub(super) is_reversed: bool,
    /// What the value is split at; the dot if empty.
    pub(super) delimiters: String,
}

/// What a macro stands for (RFC 7208 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    Sender,
    LocalPart,
    SenderDomain,
    Domain,
    Ip,
    ValidatedName,
    IpVersion,
    Helo,
    /// The last three stand in explanations only.
    ReadableIp,
    Receiver,
    Time,
}

/// Where a text stands, which decides what may be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Domain,
    Modifier,
    Explanation,
}

impl MacroString {
    /// The argument of a modifier that nobody knows: its macros must be sound (RFC 7208 §12).
    pub(super) fn modifier(text: &str) -> Result<Self, &'static str> {
        parse(text, Place::Modifier).map(|(string, _)| string)
    }

    /// The text that `exp` leads to (RFC 7208 §6.2).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn explanation(text: &str) -> Result<Self, &'static str> {
        parse(text, Place::Explanation).map(|(string, _)| string)
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether expanding it takes the names of the client, which have to be asked for.
    pub(super) fn needs_names(&self) -> bool {
        let needs =
            |token: &Token| matches!(token, Token::Macro(m) if m.letter == Letter::ValidatedName);
        self.tokens.iter().any(needs)
    }
}

impl DomainSpec {
    /// A domain-spec: a macro at its end, or a label that can be a top-level one behind a dot.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (string, tail) = parse(text, Place::Domain)?;
        match tail {
            _ if string.tokens.is_empty() => Err("the domain is empty"),
            Some(tail) if !ends_in_top_label(&tail) => {
                Err("the domain does not end in a top-level label")
            }
            _ => Ok(Self(string)),
        }
    }

    /// Its text.
    pub(super) fn string(&self) -> &MacroString {
        &self.0
    }
}

/// `"." toplabel [ "." ]`: letters, digits and inner hyphens, not digits alone.
fn ends_in_top_label(tail: &str) -> bool {
    let tail = tail.strip_suffix('.').unwrap_or(tail);
    let Some((_, label)) = tail.rsplit_once('.') else { return false };
    let proper = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    !label.is_empty()
        && label.bytes().all(proper)
        && !label.bytes().all(|b| b.is_ascii_digit())
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The tokens, and what stands as it is behind the last macro; `None` if a macro is the end.
fn parse(text: &str, place: Place) -> Result<(MacroString, Option<String>), &'static str> {
    let mut tokens = Vec::new();
    let mut literal = String::new();
    let mut tail = Some(String::new());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c != '%' {
            let is_blank = c == ' ' && place == Place::Explanation;
            if !c.is_ascii_graphic() && !is_blank {
                return Err("a character that may not be there");
            }
            literal.push(c);
            tail.get_or_insert_default().push(c);
            continue;
        }
        tail = None;
        let second = rest.chars().next();
        match second {
            Some('%') => literal.push('%'),
            Some('_') => literal.push(' '),
            Some('-') => literal.push_str("%20"),
            Some('{') => {
                let (inner, after) =
                    rest.get(1..).and_then(|r| r.split_once('}')).ok_or("a macro without its }")?;
                if !literal.is_empty() {
                    tokens.push(Token::Literal(std::mem::take(&mut literal)));
                }
                tokens.push(Token::Macro(parse_macro(inner, place)?));
                rest = after;
                continue;
            }
            _ => return Err("a % that begins no macro"),
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    if !literal.is_empty() {
        tokens.push(Token::Literal(literal));
    }
    Ok((MacroString { tokens }, tail))
}

/// What stands between the braces.
fn parse_macro(inner: &str, place: Place) -> Result<Macro, &'static str> {
    let mut chars = inner.chars();
    let given = chars.next().ok_or("a macro without its letter")?;
    let letter = letter(given).ok_or("a macro of an unknown letter")?;
    let only_explains = matches!(letter, Letter::ReadableIp | Letter::Receiver | Letter::Time);
    if only_explains && place == Place::Domain {
        return Err("a macro that only an explanation may have");
    }
    let rest = chars.as_str();
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (digits, rest) = rest.split_at_checked(digits).unwrap_or_default();
    let keep = match digits {
        "" => None,
        // A number beyond all parts keeps them all.
        digits => Some(digits.parse().unwrap_or(usize::MAX)),
    };
    if keep == Some(0) {
        return Err("a macro that keeps nothing");
    }
    let without = rest.strip_prefix(['r', 'R']);
    let delimiters = without.unwrap_or(rest);
    if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
        return Err("a macro with an unknown delimiter");
    }
    Ok(Macro {
        letter,
        is_escaped: given.is_ascii_uppercase(),
        keep,
        is_reversed: without.is_some(),
        delimiters: delimiters.to_owned(),
    })
}

fn letter(given: char) -> Option<Letter> {
    Some(match given.to_ascii_lowercase() {
        's' => Letter::Sender,
        'l' => Letter::LocalPart,
        'o' => Letter::SenderDomain,
        'd' => Letter::Domain,
        'i' => Letter::Ip,
        'p' => Letter::ValidatedName,
        'v' => Letter::IpVersion,
        'h' => Letter::Helo,
        'c' => Letter::ReadableIp,
        'r' => Letter::Receiver,
        't' => Letter::Time,
        _ => return None,
    })
}

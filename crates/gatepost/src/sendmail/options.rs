//! The command line of sendmail, which is forty years old and not clap's: `-oi`, `-fADDRESS`.
//!
//! Single letters, as getopt(3) reads them: flags may stand together, a value is attached or the
//! next argument. What only meant something to sendmail itself is read and passed over, so that no
//! program that calls us fails for it. Pure.

use mail::{Notify, Return};

/// Most arguments that are looked at; the system's own limit lets through far more.
const ARGUMENTS_MAX: usize = 100_000;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    /// Send what comes on standard input (`-bm`).
    #[default]
    Send,
    /// Speak SMTP on standard input and output (`-bs`).
    Smtp,
    /// List what waits (`-bp`).
    List,
    /// Say whether recipients would be taken (`-bv`).
    Verify,
    /// Try again what waits (`-q`).
    Flush,
    /// Nothing: aliases are read by the server (`-bi`).
    Aliases,
}

/// The whole command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// `-t`: recipients are in the header.
    pub(crate) from_header: bool,
    /// `-i`: a line that is a dot alone is a line like any other.
    pub(crate) ignore_dots: bool,
    /// `-v`.
    pub(crate) verbose: bool,
    /// `-f` or `-r`: the envelope's sender.
    pub(crate) sender: Option<String>,
    /// `-F`: the sender's full name.
    pub(crate) full_name: Option<String>,
    /// `-C`: the settings file.
    pub(crate) settings: Option<String>,
    /// `-N`: what the sender wants to hear.
    pub(crate) notify: Option<Notify>,
    /// `-R`: how much of the message it wants back.
    pub(crate) wanted_back: Option<Return>,
    /// `-V`: the envelope's identifier.
    pub(crate) envelope_id: Option<String>,
    pub(crate) recipients: Vec<String>,
}

/// How an option takes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// Attached or the next argument.
    Value,
    /// Attached or none.
    Attached,
}

/// Every letter that is known.
const LETTERS: &[(char, Takes)] = &[
    ('A', Takes::Value),
    ('B', Takes::Value),
    ('b', Takes::Value),
    ('C', Takes::Value),
    ('D', Takes::Value),
    ('d', Takes::Attached),
    ('E', Takes::Nothing),
    ('e', Takes::Value),
    ('F', Takes::Value),
    ('f', Takes::Value),
    ('G', Takes::Nothing),
    ('h', Takes::Value),
    ('I', Takes::Nothing),
    ('i', Takes::Nothing),
    ('L', Takes::Value),
    ('m', Takes::Nothing),
    ('N', Takes::Value),
    ('n', Takes::Nothing),
    ('O', Takes::Value),
    ('o', Takes::Value),
    ('p', Takes::Value),
    ('q', Takes::Attached),
    ('R', Takes::Value),
    ('r', Takes::Value),
    ('s', Takes::Nothing),
    ('t', Takes::Nothing),
    ('U', Takes::Nothing),
    ('V', Takes::Value),
    ('v', Takes::Nothing),
    ('X', Takes::Value),
    ('x', Takes::Nothing),
];

/// Reads the arguments behind the program's name.
///
/// # Errors
/// What is wrong with them, in a sentence.
pub(crate) fn parse(arguments: &[String]) -> Result<Options, String> {
    if arguments.len() > ARGUMENTS_MAX {
        return Err("there are too many arguments".to_owned());
    }
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            options.recipients.extend(rest.by_ref().cloned());
        } else if argument.starts_with("--") {
            return Err(format!("`{argument}` is no option of sendmail"));
        } else if let Some(letters) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            cluster(&mut options, letters, &mut rest)?;
        } else {
            options.recipients.push(argument.clone());
        }
    }
    Ok(options)
}

/// One argument of letters, the last of which may take a value.
fn cluster<'a>(
    options: &mut Options,
    letters: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<(), String> {
    let mut left = letters.chars();
    while let Some(letter) = left.next() {
        let known = LETTERS.iter().find(|(known, _)| *known == letter);
        let Some((_, takes)) = known else {
            return Err(format!("`-{letter}` is no option of sendmail"));
        };
        if *takes == Takes::Nothing {
            flag(options, letter);
            continue;
        }
        let attached = left.as_str();
        let value = match takes {
            Takes::Value if attached.is_empty() => {
                let missing = || format!("`-{letter}` needs a value");
                rest.next().ok_or_else(missing)?.as_str()
            }
            _ => attached,
        };
        return with_value(options, letter, value);
    }
    Ok(())
}

fn flag(options: &mut Options, letter: char) {
    match letter {
        'i' => options.ignore_dots = true,
        't' => options.from_header = true,
        'v' => options.verbose = true,
        'I' => options.mode = Mode::Aliases,
        _ => {}
    }
}

fn with_value(options: &mut Options, letter: char, value: &str) -> Result<(), String> {
    let text = || Some(value.to_owned());
    match letter {
        'f' | 'r' => options.sender = text(),
        'F' => options.full_name = text(),
        'C' => options.settings = text(),
        'V' => options.envelope_id = text(),
        'N' => options.notify = Some(notify(value)?),
        'R' => {
            options.wanted_back = Some(match value.to_ascii_lowercase().as_str() {
                "full" => Return::Full,
                "hdrs" => Return::Headers,
                _ => return Err(format!("`-R {value}`: it is full or hdrs")),
            });
        }
        'b' => options.mode = mode(value)?,
        'q' if value.is_empty() => options.mode = Mode::Flush,
        'q' => {
            return Err(format!("`-q{value}`: the server itself tries again; `-q` alone does now"));
        }
        // `-oi` and `-O IgnoreDots`; every other option of sendmail's own is passed over.
        'o' if value == "i" => options.ignore_dots = true,
        'O' if value.eq_ignore_ascii_case("ignoredots") => options.ignore_dots = true,
        'O' if value.eq_ignore_ascii_case("ignoredots=true") => options.ignore_dots = true,
        _ => {}
    }
    Ok(())
}

fn mode(value: &str) -> Result<Mode, String> {
    Ok(match value {
        "m" => Mode::Send,
        "s" => Mode::Smtp,
        "p" => Mode::List,
        "v" => Mode::Verify,
        "i" => Mode::Aliases,
        "d" | "D" => return Err("the server is started by `gatepost serve`".to_owned()),
        _ => return Err(format!("`-b{value}` is not known here")),
    })
}

fn notify(value: &str) -> Result<Notify, String> {
    let mut notify = Notify::default();
    if value.eq_ignore_ascii_case("never") {
        return Ok(notify);
    }
    for word in value.split(',') {
        match word.to_ascii_lowercase().as_str() {
            "success" => notify.success = true,
            "failure" => notify.failure = true,
            "delay" => notify.delay = true,
            _ => {
                return Err(format!("`-N {value}`: it is never, or some of success,failure,delay"));
            }
        }
    }
    Ok(notify)
}

#[cfg(test)]
mod tests;

//! Replies that an administrator writes: `553 5.7.1 text`.

use mail::ReplyText;

/// mail's own bound for such a text.
const TEXT_MAX: usize = 400;

/// Reads `5nn text` or `5nn 5.d.s text` (and 4nn), as a subject rule has it.
pub fn parse_reply(text: &str) -> Result<ReplyText, String> {
    let (code, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let code = reply_code(code).ok_or("it must begin with a code from 400 to 599")?;
    let (first, tail) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    match enhanced(first) {
        Some(enhanced) => reply(code, Some(enhanced), tail),
        None => reply(code, None, rest),
    }
}

/// Puts a reply together, checking that its parts fit.
pub(crate) fn reply(
    code: u16,
    enhanced: Option<(u8, u16, u16)>,
    text: &str,
) -> Result<ReplyText, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the reply has no text".to_owned());
    }
    if text.len() > TEXT_MAX {
        return Err(format!("the text of the reply is longer than {TEXT_MAX} bytes"));
    }
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err("the text of the reply may only have printable ASCII".to_owned());
    }
    if enhanced.is_some_and(|(class, ..)| u16::from(class) != code / 100) {
        return Err(format!("the enhanced code and {code} are of different classes"));
    }
    Ok(ReplyText { code, enhanced, text: text.to_owned() })
}

/// Three digits, 400 to 599, with a second digit that SMTP has (RFC 5321 §4.2.1).
pub(crate) fn reply_code(text: &str) -> Option<u16> {
    let code: u16 = text.parse().ok().filter(|_| text.len() == 3)?;
    ((400..600).contains(&code) && code / 10 % 10 <= 5).then_some(code)
}

/// `d.s.n` (RFC 3463 §2): class 4 or 5, subject and detail up to three digits.
pub(crate) fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let mut parts = text.split('.');
    let class = match parts.next()? {
        "4" => 4,
        "5" => 5,
        _ => return None,
    };
    let mut number = || {
        let part = parts.next()?;
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u16>().ok().filter(|_| digits)
    };
    let (subject, detail) = (number()?, number()?);
    parts.next().is_none().then_some((class, subject, detail))
}

//! What the peer reads: the one place of this room that turns a decision into protocol text.
//!
//! Response codes in brackets: RFC 2449 §8 and RFC 3206. No product, no version, no reason of the
//! inside.

use mail::{Reason, Refusal};

/// Longest text of an administrator's own that is passed on: a reply has 512 bytes at most
/// (RFC 2449 §4).
const TEXT_MAX: usize = 400;

/// How lasting a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// For good: `[SYS/PERM]` where nothing better fits.
    Permanent,
    /// Time may cure it: `[SYS/TEMP]` where nothing better fits.
    Temporary,
}

/// The line for a refusal, without `-ERR` and without a line end.
pub fn for_refusal(severity: Severity, refusal: &Refusal) -> String {
    let (code, text) = words(severity, refusal.reason);
    match &refusal.text {
        Some(own) => format!("{code} {}", clean(&own.text)),
        None => format!("{code} {text}"),
    }
}

/// The line for a reason without a rule, as [`for_refusal`].
pub(crate) fn for_reason(reason: Reason) -> String {
    let (code, text) = words(Severity::Temporary, reason);
    format!("{code} {text}")
}

fn words(severity: Severity, reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::BadCredentials
        | Reason::AccountDisabled
        | Reason::CredentialUnfit
        | Reason::CredentialEnded
        | Reason::ChannelBinding => ("[AUTH]", "The name or the password is wrong"),
        Reason::LoginBudget => ("[SYS/TEMP]", "Too many failed log-ins, try again later"),
        Reason::TlsRequired => ("[SYS/PERM]", "Start TLS first"),
        Reason::MailboxInUse => ("[IN-USE]", "The mailbox is open in another session"),
        Reason::TooManyConnections | Reason::TooManyFromAddress | Reason::RateExceeded => {
            ("[SYS/TEMP]", "Too many connections, try again later")
        }
        Reason::ShuttingDown => ("[SYS/TEMP]", "The server is shutting down, try again later"),
        Reason::AccessRejected => ("[SYS/PERM]", "Access denied"),
        _ => match severity {
            Severity::Permanent => ("[SYS/PERM]", "Not possible"),
            Severity::Temporary => ("[SYS/TEMP]", "Not possible now, try again later"),
        },
    }
}

/// Printable ASCII, not too long; RFC 6856 lets replies be UTF-8 only after UTF8.
fn clean(text: &str) -> String {
    let shown = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    text.chars().take(TEXT_MAX).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::{Severity, for_refusal};
    use mail::{Reason, Refusal, ReplyText};

    fn check(reason: Reason, severity: Severity, expected: &str) {
        let refusal = Refusal::new(reason).rule("a secret rule").detail("a secret detail");
        assert_eq!(for_refusal(severity, &refusal), expected);
    }

    #[test]
    fn says_what_a_client_can_do_and_no_more() {
        use Severity::{Permanent, Temporary};
        check(Reason::BadCredentials, Permanent, "[AUTH] The name or the password is wrong");
        check(Reason::AccountDisabled, Permanent, "[AUTH] The name or the password is wrong");
        check(Reason::StorageFailed, Temporary, "[SYS/TEMP] Not possible now, try again later");
        check(Reason::InternalError, Permanent, "[SYS/PERM] Not possible");
    }

    #[test]
    fn every_reason_gives_a_line_with_a_code() {
        for reason in Reason::ALL {
            for severity in [Severity::Permanent, Severity::Temporary] {
                let line = for_refusal(severity, &Refusal::new(*reason));
                assert!(line.starts_with('[') && line.contains("] "), "{line}");
            }
        }
    }

    #[test]
    fn an_administrators_words_fit_a_line() {
        let text = format!("über\r\nalles {}", "x".repeat(1_000));
        let text = ReplyText { code: 550, enhanced: None, text };
        let refusal = Refusal::new(Reason::AccessRejected).text(text);
        let line = for_refusal(Severity::Permanent, &refusal);
        assert!(line.starts_with("[SYS/PERM] ?ber??alles x") && line.len() < 500);
    }
}

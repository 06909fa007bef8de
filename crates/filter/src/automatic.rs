//! Whether a person wrote a message, or a list or a program sent it: those hear of nothing, and
//! what they answer asks for nothing.

use mail::Address;
use mail::index::Index;

/// Fields that only lists and programs set, whatever they say.
const SIGNS: [&str; 7] = [
    "feedback-id",
    "x-auto-response-suppress",
    "x-autoreply",
    "x-autorespond",
    "x-failed-recipients",
    "x-loop",
    "mailing-list",
];
/// Local parts behind which nobody reads (RFC 3834 §2), and beginnings and ends of such.
const NAMES: [&str; 6] =
    ["mailer-daemon", "postmaster", "listserv", "majordomo", "noreply", "no-reply"];
const BEGINNINGS: [&str; 3] = ["owner-", "bounce", "prvs="];
const ENDS: [&str; 4] = ["-request", "-owner", "-bounces", "-noreply"];

/// Whether a list or a program sent it, by its header (RFC 3834 §2 and §5, RFC 2919, RFC 2369).
pub(crate) fn is_automatic(index: &Index) -> bool {
    let is_sign = index.header_fields().any(|field| {
        let value = field.text().to_ascii_lowercase();
        if field.is("auto-submitted") {
            return value != "no";
        }
        if field.is("precedence") {
            return ["bulk", "junk", "list", "auto_reply"].contains(&value.as_str());
        }
        if field.is("content-type") {
            return value.starts_with("multipart/report");
        }
        let begins = field.name().get(..5).is_some_and(|name| name.eq_ignore_ascii_case("list-"));
        begins || SIGNS.iter().any(|sign| field.is(sign))
    });
    is_sign || index.header_fields().count() == 0
}

/// Whether nobody reads what is sent to this address.
pub(crate) fn is_unread(address: &Address) -> bool {
    let local = address.local.as_str().to_ascii_lowercase();
    NAMES.contains(&local.as_str())
        || BEGINNINGS.iter().any(|beginning| local.starts_with(beginning))
        || ENDS.iter().any(|end| local.ends_with(end))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{is_automatic, is_unread};
    use crate::testing::index;
    use mail::Address;

    #[test]
    fn lists_and_programs_are_known_by_their_fields() {
        for (fields, expected) in [
            ("Subject: x\r\n", false),
            ("List-Id: <a.b>\r\n", true),
            ("LIST-Help: <mailto:a@b.example>\r\n", true),
            ("Precedence: bulk\r\n", true),
            ("Precedence: Auto_Reply\r\n", true),
            ("Precedence: first-class\r\n", false),
            ("Auto-Submitted: auto-replied\r\n", true),
            ("auto-submitted: No\r\n", false),
            ("Auto-Submitted: no\r\nAuto-Submitted: auto-generated\r\n", true),
            ("Feedback-ID: x\r\n", true),
            ("Content-Type: multipart/report; report-type=delivery-status\r\n", true),
            ("Content-Type: multipart/mixed; boundary=x\r\n", false),
            ("", true),
        ] {
            assert_eq!(is_automatic(&index(fields)), expected, "{fields}");
        }
    }

    #[test]
    fn some_addresses_nobody_reads() {
        for (address, expected) in [
            ("dora@far.example", false),
            ("MAILER-DAEMON@far.example", true),
            ("owner-list@far.example", true),
            ("list-request@far.example", true),
            ("bounces+4711@far.example", true),
            ("No-Reply@far.example", true),
            ("requests@far.example", false),
        ] {
            assert_eq!(is_unread(&Address::parse(address).unwrap()), expected, "{address}");
        }
    }
}

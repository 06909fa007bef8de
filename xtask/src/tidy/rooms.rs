//! What only some rooms may do: open sockets, write SQL, read a clock, issue a permit.

use super::Complaint;
use super::source::Source;

/// A piece of code that belongs in some rooms only.
struct Reserved {
    rule: &'static str,
    /// What gives it away in a line of production code.
    signs: &'static [&'static str],
    /// The rooms that may.
    rooms: &'static [&'static str],
    why: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        rule: "sockets",
        signs: &[
            "TcpListener::bind",
            "TcpStream::connect",
            "TcpSocket::new",
            "UdpSocket::bind",
            "UnixListener::bind",
            "UnixStream::connect",
            "UnixDatagram::bind",
            "Socket::new(",
        ],
        rooms: &["net", "store-cluster"],
        why: "only `net` opens sockets",
    },
    Reserved {
        rule: "sql",
        signs: &["\"SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "\"UPDATE "],
        rooms: &["store", "store-cluster"],
        why: "only the store knows SQL",
    },
    Reserved {
        rule: "clock",
        signs: &["SystemTime::now", "Timestamp::now", "Zoned::now"],
        rooms: &["net"],
        why: "time comes from `net::Clock`",
    },
    Reserved {
        rule: "permit",
        signs: &["Permit::issue"],
        rooms: &["policy", "mail"],
        why: "only `policy` lets a recipient in",
    },
    Reserved {
        rule: "shell",
        signs: &["Command::new"],
        rooms: &["sandbox"],
        why: "only `sandbox` starts programs: our own, and the scanner that the settings name",
    },
];

/// Rooms that know no time at all, and so no deadline either.
const TIMELESS: &[&str] = &["mail", "smtp", "config", "spam", "content", "milter"];
/// Rooms that may not write protocol text: they give reasons.
const SILENT: &[&str] = &["inbound", "policy", "filter", "store", "net", "admin"];

/// Checks one file of the product.
pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let Some(room) = source.room().filter(|_| source.is_rust()) else { return Vec::new() };
    let mut complaints = Vec::new();
    for (number, line) in source.production() {
        let mut complain = |rule, text: &str| {
            complaints.push(Complaint::new(&source.path, number, rule, text));
        };
        for reserved in RESERVED.iter().filter(|reserved| !reserved.rooms.contains(&room)) {
            if reserved.signs.iter().any(|sign| line.contains(sign)) {
                complain(reserved.rule, reserved.why);
            }
        }
        if TIMELESS.contains(&room) && line.contains("Instant::now") {
            complain("clock", "this room reads no clock: time is an argument");
        }
        if SILENT.contains(&room) && has_reply_text(line) {
            complain("reply", "only `smtp::reply` turns a reason into protocol text");
        }
    }
    complaints
}

/// Whether a literal begins with a reply code and an enhanced one: `"550 5.1.1 No such user"`.
fn has_reply_text(line: &str) -> bool {
    line.split('"').skip(1).step_by(2).any(|literal| {
        let bytes = literal.as_bytes();
        let class = bytes.first().copied();
        matches!(class, Some(b'2' | b'4' | b'5'))
            && bytes.get(1..3).is_some_and(|code| code.iter().all(u8::is_ascii_digit))
            && matches!(bytes.get(3), Some(b' ' | b'-'))
            && bytes.get(4).copied() == class
            && bytes.get(5) == Some(&b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::{check, has_reply_text};
    use crate::tidy::source::Source;

    #[track_caller]
    fn complains(path: &str, line: &str, rule: Option<&str>) {
        let found = check(&Source::new(path, line));
        assert_eq!(found.first().map(|c| c.rule), rule, "{path}: {line}: {found:?}");
    }

    #[test]
    fn what_belongs_elsewhere_is_seen() {
        let inbound = "crates/inbound/src/a.rs";
        complains(inbound, "let s = TcpStream::connect(a).await?;", Some("sockets"));
        complains("crates/net/src/a.rs", "let s = TcpStream::connect(a).await?;", None);
        complains(inbound, "db.read(\"SELECT 1\")", Some("sql"));
        complains("crates/store/src/a.rs", "db.read(\"SELECT 1\")", None);
        complains("crates/store/src/a.rs", "let t = SystemTime::now();", Some("clock"));
        complains("crates/filter/src/a.rs", "Permit::issue(rule)", Some("permit"));
        complains("crates/policy/src/a.rs", "Permit::issue(rule)", None);
        complains("crates/gatepost/src/a.rs", "Command::new(\"sh\")", Some("shell"));
        complains("crates/smtp/src/a.rs", "let t = Instant::now();", Some("clock"));
        complains(inbound, "let t = Instant::now();", None);
        complains(inbound, "write(\"550 5.1.1 no\")", Some("reply"));
        complains("crates/smtp/src/reply.rs", "write(\"550 5.1.1 no\")", None);
    }

    #[test]
    fn tests_and_comments_may() {
        complains("crates/filter/tests/a.rs", "Permit::issue(rule)", None);
        complains("crates/filter/src/a.rs", "// Permit::issue is policy's", None);
        let tested = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    SystemTime::now()\n}\n";
        complains("crates/filter/src/a.rs", tested, None);
    }

    #[test]
    fn reply_text_is_told_from_numbers() {
        assert!(has_reply_text(r#"x("451 4.3.0 later")"#));
        assert!(has_reply_text(r#""250-2.0.0 ok""#));
        for fine in [r#""553""#, r#""250 messages""#, "550 5.1.1", r#""127.0.0.1""#] {
            assert!(!has_reply_text(fine), "{fine}");
        }
    }
}

//! Whether the policy of MTA-STS is on the web, and lets mail come here.

use super::check::{Found, SHOWN_MAX};
use super::{DnsRecords, Purpose, RecordCheck, Standing};
use mail::Domain;
use net::{Fetch, FetchError, Url};
use smtp::sts::{Mode, Policy, read};

/// Characters that are shown of a line of it.
const LINE_MAX: usize = 200;

/// Fetches the policy as other servers do, and looks at what they would make of it. For domains
/// that announce one: without its record nobody looks.
///
/// `fetch` should believe what others believe: the authorities of the system, and no private
/// address.
pub async fn check_policy(plan: &DnsRecords, fetch: &Fetch) -> RecordCheck {
    let wanted = &plan.mta_sts_policy;
    let Found { standing, found, problem } = match Url::parse(&wanted.url) {
        None => Found::of(Standing::Differs, &[], "its address is no address of the web"),
        Some(url) => match fetch.get(&url).await {
            Ok(answer) => compare(&plan.hostname, &answer.media_type, &answer.body),
            Err(error) => failed(&error),
        },
    };
    RecordCheck {
        purpose: Purpose::MtaSts,
        name: wanted.url.clone(),
        kind: "HTTPS".to_owned(),
        standing,
        optional: false,
        wanted: format!("a policy that names the server, mx: {}", plan.hostname),
        found,
        problem,
    }
}

/// What others make of an answer.
fn compare(hostname: &Domain, media_type: &str, body: &[u8]) -> Found {
    let (text, policy) = match read(media_type, body) {
        Ok(read) => read,
        Err(fault) => return Found::of(Standing::Differs, &[], &fault.to_string()),
    };
    let (standing, problem) = match policy {
        Policy { mode: Mode::None, .. } => (Standing::Right, ""),
        policy if policy.names(hostname) => (Standing::Right, ""),
        Policy { mode: Mode::Testing, .. } => {
            (Standing::Differs, "it does not name this server; enforced, it would keep mail away")
        }
        _ => (Standing::Differs, "it does not name this server: who heeds it sends no mail here"),
    };
    let line = |line: &str| line.chars().take(LINE_MAX).collect();
    let found = text.lines().take(SHOWN_MAX).map(line).collect();
    Found { standing, found, problem: problem.to_owned() }
}

fn failed(error: &FetchError) -> Found {
    let standing = match error {
        FetchError::Name { cause, .. } if cause.is_nothing() => Standing::Missing,
        FetchError::Status(404 | 410) => Standing::Missing,
        FetchError::Name { .. } | FetchError::Unreachable(..) | FetchError::TimedOut => {
            Standing::Unknown
        }
        FetchError::Private(_)
        | FetchError::Tls(..)
        | FetchError::Broken(_)
        | FetchError::Status(_)
        | FetchError::TooLarge => Standing::Differs,
    };
    Found::of(standing, &[], &error.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{Standing, compare, failed};
    use net::{DnsError, FetchError};

    #[test]
    fn a_policy_is_right_that_lets_mail_come_here() {
        let hostname = "mail.example.org".parse().unwrap();
        let of = |mode: &str, mx: &str| {
            format!("version: STSv1\r\nmode: {mode}\r\n{mx}max_age: 604800\r\n")
        };
        for (media_type, text, standing, problem) in [
            ("text/plain", of("testing", "mx: mail.example.org\r\n"), Standing::Right, ""),
            ("text/plain", of("enforce", "mx: *.example.org\r\n"), Standing::Right, ""),
            ("text/plain", of("none", ""), Standing::Right, ""),
            ("text/plain", of("enforce", "mx: old.example.org\r\n"), Standing::Differs, "no mail"),
            ("text/plain", of("testing", "mx: old.example.org\r\n"), Standing::Differs, "enforced"),
            ("text/plain", of("enforce", ""), Standing::Differs, "mx are missing"),
            ("text/html", of("testing", "mx: mail.example.org\r\n"), Standing::Differs, "type"),
            ("text/plain", "<html>".to_owned(), Standing::Differs, "colon"),
        ] {
            let found = compare(&hostname, media_type, text.as_bytes());
            assert_eq!(found.standing, standing, "{text}");
            assert_eq!(found.problem.is_empty(), problem.is_empty(), "{text}");
            assert!(found.problem.contains(problem), "{}", found.problem);
        }
        let found = compare(&hostname, "text/plain", b"version: STSv1\nmx: \xff\n");
        assert_eq!(found.standing, Standing::Differs);
    }

    #[test]
    fn what_cannot_be_fetched_is_missing_wrong_or_unknown() {
        let host = || "mta-sts.example.org".parse().unwrap();
        for (error, standing) in [
            (FetchError::Name { host: host(), cause: DnsError::NoSuchName }, Standing::Missing),
            (FetchError::Name { host: host(), cause: DnsError::TimedOut }, Standing::Unknown),
            (FetchError::Status(404), Standing::Missing),
            (FetchError::Status(301), Standing::Differs),
            (FetchError::Private(host()), Standing::Differs),
            (FetchError::TimedOut, Standing::Unknown),
        ] {
            assert_eq!(failed(&error).standing, standing, "{error}");
        }
    }
}

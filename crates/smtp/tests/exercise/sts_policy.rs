//! MTA-STS: any text is a policy or none, and a policy written anew is the same.

use mail::Domain;
use smtp::sts::{AGE_MAX, MX_MAX, Mode, Policy, REPORT_ADDRESSES_MAX, announced, read, report_to};

/// Reads bytes as a policy, and as the two records.
pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if let Ok((whole, policy)) = read("text/plain", bytes) {
        assert_eq!((whole, Policy::parse(&text)), (text.as_str(), Ok(policy)));
    }
    if let Ok(policy) = Policy::parse(&text) {
        assert!(policy.mx.len() <= MX_MAX && policy.max_age <= AGE_MAX);
        assert!(policy.mode == Mode::None || !policy.mx.is_empty());
        let mode = match policy.mode {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        };
        let mx: String = policy.mx.iter().map(|mx| format!("mx: {mx}\n")).collect();
        let again = format!("version: STSv1\nmode: {mode}\n{mx}max_age: {}\n", policy.max_age);
        assert_eq!(Policy::parse(&again), Ok(policy.clone()));
        for pattern in &policy.mx {
            let name = pattern.to_string().replacen("*.", "any.", 1);
            if let Ok(name) = name.parse::<Domain>() {
                assert!(policy.names(&name), "{name}");
            }
        }
    }
    let texts: Vec<String> = text.split('\n').map(str::to_owned).collect();
    if let Some(id) = announced(&texts) {
        assert!((1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
    assert!(report_to(&texts).len() <= REPORT_ADDRESSES_MAX);
}

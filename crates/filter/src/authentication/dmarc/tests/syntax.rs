//! How records are read.

use crate::authentication::dmarc::record::{
    Alignment, FailureOption, Policy, REPORT_ADDRESSES_MAX, Record, Suffix,
};
use proptest::prelude::*;

fn read(tags: &str) -> Record {
    Record::parse(&format!("v=DMARC1;{tags}")).unwrap_or_else(|| panic!("{tags:?} is no record"))
}

#[test]
fn policies_fall_back() {
    use Policy::{None as Nothing, Quarantine, Reject};
    for (tags, expected) in [
        ("p=reject", Some([Reject, Reject, Reject])),
        (" P = Reject ;\tsp\t=\tQUARANTINE;", Some([Reject, Quarantine, Quarantine])),
        ("np=none;sp=quarantine;p=reject", Some([Reject, Quarantine, Nothing])),
        ("p=reject;np=none", Some([Reject, Reject, Nothing])),
        ("", None),
        ("sp=reject", None),
        ("p=rejekt", None),
        ("p=reject;np=", None),
        ("p=reject;p=none", None),
        ("p=reject;p=reject", None),
        ("sp=reject;rua=mailto:a@b.example", Some([Nothing, Nothing, Nothing])),
        ("p=reject;np=x;rua=https://b.example/", Some([Nothing, Nothing, Nothing])),
        ("p=rejekt;rua=mailto:nobody", None),
        ("p=rejekt;rua=a@b.example", None),
        // Tags that nobody knows, or that are gone.
        ("p=reject;pct=0;rf=afrf;ri=60;x;y=;=z;;", Some([Reject, Reject, Reject])),
    ] {
        let policies = read(tags).policies.map(|p| [p.itself, p.below, p.nonexistent]);
        assert_eq!(policies, expected, "{tags:?}");
    }
}

#[test]
fn what_is_malformed_has_its_default() {
    let plain = read("p=none");
    assert_eq!((plain.dkim, plain.spf), (Alignment::Relaxed, Alignment::Relaxed));
    assert_eq!((plain.suffix, plain.is_test), (Suffix::Unknown, false));
    assert_eq!(plain.failure_options, [FailureOption::All]);
    for tags in ["adkim=x;aspf=;psd=maybe;t=1;fo=2", "adkim=s;adkim=s;t=y;t=y;fo=1:x;psd=y;psd=n"] {
        assert_eq!(read(&format!("p=none;{tags}")), plain, "{tags:?}");
    }
    let full = read("p=none; adkim=S; aspf=s; psd=Y; t=Y; fo=1 : d:s:1");
    assert_eq!((full.dkim, full.spf), (Alignment::Strict, Alignment::Strict));
    assert_eq!((full.suffix, full.is_test), (Suffix::Public, true));
    let options = [FailureOption::Any, FailureOption::Dkim, FailureOption::Spf];
    assert_eq!(full.failure_options, options);
    assert_eq!(read("psd=n").suffix, Suffix::Organisation);
}

#[test]
fn reports_go_to_addresses() {
    let many = (0..50).map(|n| format!("mailto:a{n}@b.example")).collect::<Vec<_>>().join(",");
    for (value, expected) in [
        ("mailto:a@b.example", vec!["a@b.example"]),
        ("mailto:a@b.example!10m , MAILTO:c@d.example!5", vec!["a@b.example", "c@d.example"]),
        ("mailto:a%2Bx%21@b.example?subject=x", vec!["a+x!@b.example"]),
        ("mailto:a@b.example!", vec![]),
        ("mailto:a%2@b.example,mailto:a%zz@b.example,mailto:%ff@b.example", vec![]),
        ("mailto:a b@c.example,mailto:,a@b.example,https://b.example/x", vec![]),
        ("mailto:a%0d%0aX: y@b.example", vec![]),
    ] {
        let record = read(&format!("p=none;rua={value};ruf={value}"));
        let addresses: Vec<String> =
            record.aggregate_reports.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, expected, "{value:?}");
        assert_eq!(record.failure_reports, record.aggregate_reports);
    }
    assert_eq!(read(&format!("rua={many}")).aggregate_reports.len(), REPORT_ADDRESSES_MAX);
}

proptest! {
    #[test]
    fn any_text_is_a_record_or_none(text in "(v=DMARC1;)?[ -~\\PC]{0,200}") {
        if Record::parse(&text).is_some() {
            prop_assert!(text.contains("DMARC1"));
        }
    }

    /// Whatever else a record says, its last word on policies is one of few.
    #[test]
    fn tags_do_not_disturb_one_another(
        tags in prop::collection::vec(
            "(rua|ruf|fo|adkim|aspf|psd|t|x)=[a-z0-9:@,.%! ]{0,20}",
            0..8,
        ),
        at in 0_usize..8,
    ) {
        let mut tags = tags;
        tags.insert(at.min(tags.len()), "p=reject".to_owned());
        let record = read(&tags.join(";"));
        prop_assert_eq!(record.policies.map(|p| p.nonexistent), Some(Policy::Reject));
        prop_assert!(record.aggregate_reports.len() <= REPORT_ADDRESSES_MAX);
        prop_assert!(!record.failure_options.is_empty());
    }
}

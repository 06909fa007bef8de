//! What must hold for any part, shared by the fuzz target and the test that replays its corpus.
//!
//! The first line is the name of the part, the second its declared type, the rest its content.

use content::{Budget, Item, Limits, inspect, lists};

/// Hits that a part may have here.
const HITS_MAX: usize = 20;

/// Looks into a part under small limits, twice.
pub(crate) fn exercise(bytes: &[u8]) {
    let mut pieces = bytes.splitn(3, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(pieces.next().unwrap_or_default()).into_owned();
    let (names, types) = ([text()], [text()]);
    let content = pieces.next().unwrap_or_default();
    let item = Item { names: &names, types: &types, bytes: content };
    let mut builder = lists::Builder::default();
    let read = builder.patterns("a hex 4d5a9000*50{0-9}45\nb text enable content * macro");
    assert_eq!(read, Ok(()));
    let Ok(lists) = builder.build() else { panic!("two patterns are not too large") };
    let limits = Limits {
        depth_max: 4,
        members_max: 100,
        unpacked_max: 8 << 20,
        held_max: 8 << 20,
        hits_max: HITS_MAX,
        looked_max: 32 << 20,
        ..Limits::default()
    };
    let mut budget = Budget::new(limits.clone());
    let report = inspect(&item, &lists, &mut budget);
    assert_eq!(inspect(&item, &lists, &mut Budget::new(limits.clone())), report);
    assert!(report.hits.len() <= HITS_MAX + content::Class::ALL.len());
    for hit in &report.hits {
        assert!(hit.path.len() <= 16 && hit.path.iter().all(|step| step.len() <= 200), "{hit:?}");
        assert!(hit.detail.len() <= 200 && !hit.detail.contains(char::is_control), "{hit:?}");
        assert!(!hit.rule.is_empty() && hit.rule.len() <= 200, "{hit:?}");
    }
    // All that was held was given back, and all that was entered was left.
    assert_eq!(budget.hold(limits.held_max), Ok(()));
    for _ in 0..limits.depth_max {
        assert_eq!(budget.enter(), Ok(()));
    }
    let list = String::from_utf8_lossy(content);
    let mut builder = lists::Builder::default();
    let read = builder.patterns(&list).and_then(|()| builder.hashes(&list));
    assert!(read.is_err() || builder.build().is_ok());
}

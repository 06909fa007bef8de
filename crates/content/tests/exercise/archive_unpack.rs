//! What must hold for any bytes that may be an archive, shared by the fuzz target and the tests
//! that replay its corpus.

use content::{Budget, Limits, archive};

/// Limits that a fuzzer reaches with small inputs.
fn limits() -> Limits {
    Limits {
        depth_max: 4,
        members_max: 300,
        unpacked_max: 16 << 20,
        held_max: 8 << 20,
        ..Limits::default()
    }
}

/// Unpacks, and what comes out too.
pub(crate) fn exercise(bytes: &[u8]) {
    let mut budget = Budget::new(limits());
    let mut members = 0;
    go(bytes, 0, &mut budget, &mut members);
    assert!(members <= limits().members_max, "{members} members");
    budget.hold(limits().held_max).expect("all memory is given back");
    for _ in 0..limits().depth_max {
        budget.enter().expect("every archive is left");
    }
}

fn go(bytes: &[u8], depth: usize, budget: &mut Budget, members: &mut usize) {
    let formats = archive::formats(bytes);
    let mut given = 0;
    let mut each = |member: archive::Member<'_>, budget: &mut Budget| {
        given += 1;
        *members += 1;
        for name in &member.names {
            assert!(!name.is_empty(), "a name of nothing");
        }
        if let Ok(content) = member.content {
            assert!(content.len() <= limits().held_max.max(bytes.len()));
            go(content, depth + 1, budget, members);
        }
    };
    let outcome = archive::unpack(bytes, budget, &mut each);
    match outcome {
        Ok(found) => assert_eq!(found, !formats.is_empty()),
        Err(_) => assert!(!formats.is_empty()),
    }
    assert!(depth <= limits().depth_max, "deeper than the limit");
    assert!(given == 0 || depth < limits().depth_max, "members below the limit of depth");
}

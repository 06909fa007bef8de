//! Replays the corpus of the fuzz targets that have no properties beside them.

#[path = "exercise/sts_policy.rs"]
mod sts_policy;

use tests::corpus::replay;

#[test]
fn sts_policy() {
    replay("sts_policy", 4, sts_policy::exercise);
}

//! For tests that prove that costs grow with the content and no faster.

#![expect(clippy::unwrap_used, reason = "tests")]

/// Runs of which the cheapest counts.
const RUNS: usize = 3;
/// Times that both sizes are measured.
const ATTEMPTS_MAX: usize = 4;
/// Below this a cost is noise.
const LEAST_SECONDS: f64 = 0.002;

/// The seconds of CPU that `act` takes of this thread: other work on the machine does not count.
fn seconds(act: &dyn Fn()) -> f64 {
    let used = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let before = used();
    act();
    used() - before
}

/// That ten times the size costs at most fifteen times as much. Measured again if it does not: a
/// busy machine shares its caches too, but what grows with the square costs a hundred times as much
/// whenever it is measured.
#[track_caller]
pub(crate) fn grows_with(size: usize, what: &str, act: &dyn Fn(usize)) {
    let least = |size: usize| {
        let runs = (0..RUNS).map(|_| seconds(&|| act(size)));
        runs.fold(f64::MAX, f64::min).max(LEAST_SECONDS)
    };
    let mut seen = Vec::new();
    while seen.len() < ATTEMPTS_MAX {
        let (small, large) = (least(size), least(10 * size));
        if large <= 15.0 * small {
            return;
        }
        seen.push((small, large));
    }
    panic!("{what}: seconds for one and ten times the size: {seen:?}");
}

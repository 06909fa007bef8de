//! The last net under an ambiguous structure: whatever looks like base64, wherever it stands.

use super::blocks::Lines;
use super::decode::Encoding;
use super::facts::Facts;
use super::place::Frame;
use super::reader::{Look, Reader};
use super::{Source, base64};
use std::ops::Range;

/// Characters that a line needs to be taken for base64: what an encoder writes for 12 bytes.
const LINE_MIN: usize = 16;

/// Lines of something else that may stand inside a run.
const GAP_MAX: usize = 2;

impl Reader<'_> {
    /// Gives what runs of base64 lines decode to, each run by itself and all joined.
    pub(super) fn sweep(&mut self, frame: &Frame<'_>) {
        let runs = runs(frame.bytes);
        let held = if runs.len() > 1 { runs.iter().map(Range::len).sum() } else { 0 };
        let payment = self.budget.hold(held);
        if !self.paid(payment) {
            return;
        }
        let mut all = Vec::with_capacity(held);
        for run in &runs {
            let text = frame.bytes.get(run.clone()).unwrap_or_default();
            self.swept(frame, run, text);
            if self.is_over() {
                return;
            }
            if runs.len() > 1 {
                all.extend_from_slice(text);
            }
        }
        if let (Some(first), Some(last)) = (runs.first(), runs.last())
            && runs.len() > 1
        {
            self.swept(frame, &(first.start..last.end), &all);
        }
        self.budget.release(held);
    }

    fn swept(&mut self, frame: &Frame<'_>, place: &Range<usize>, text: &[u8]) {
        let payment = self.budget.hold(text.len() / 4 * 3 + 3);
        if !self.paid(payment) {
            return;
        }
        let mut out = Vec::new();
        base64::lenient(text, &mut out);
        let facts = Facts {
            types: vec!["application/octet-stream".to_owned()],
            encodings: vec![Encoding::Identity],
            ..Facts::default()
        };
        let at = frame.at_range(place).decoded();
        self.content(&at, &facts, Source::Sweep, &out, Look::All);
        self.budget.release(text.len() / 4 * 3 + 3);
    }
}

/// Stretches of lines that look like base64, with what little stands between them.
fn runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut gap = 0;
    for (line, start, next) in Lines::new(bytes, 0) {
        let line = line.trim_ascii();
        let long = line.len() >= LINE_MIN;
        match &mut open {
            Some(run) if is_base64(line) && !line.is_empty() => {
                run.end = next;
                gap = 0;
            }
            Some(_) if line.is_empty() => (),
            Some(_) if gap < GAP_MAX => gap += 1,
            Some(run) => {
                runs.push(run.clone());
                open = None;
            }
            None if long && is_base64(line) => {
                open = Some(start..next);
                gap = 0;
            }
            None => (),
        }
    }
    runs.extend(open);
    runs
}

fn is_base64(line: &[u8]) -> bool {
    let padded = line.strip_suffix(b"=").unwrap_or(line);
    let text = padded.strip_suffix(b"=").unwrap_or(padded);
    text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

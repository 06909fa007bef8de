//! The body of a message on the wire: where it ends, and what of it is text.
//!
//! **Only CRLF.CRLF ends a message** (RFC 5321 §4.1.1.4), where the first CRLF may be that of the
//! DATA command. Bare CR, bare LF, NUL, an over-long line or too many bytes refuse the message: the
//! rest is swallowed up to the true end, where the refusal is answered.
//!
//! Where a named network may be repaired, a bare LF within the text becomes CRLF. It never becomes
//! part of an end: a line that holds only a dot and has a bare LF on either side could be an end
//! to one program and text to another, so it refuses the message even there. (A client that ends
//! its data in LF.LF is therefore never answered and cut by the deadline: nothing is stored that
//! it might not have meant.)
//!
//! Text leaves as slices of the input, as large as they come. The quick way over clean text is
//! three vectorised passes ([`Reader::clean_run`]); anything odd in a run is then located byte by
//! byte, so that the answer depends on the first fault and never on how the bytes were cut.

use mail::Reason;
use memchr::{memchr, memchr_iter};

/// Longest body line without a note, CRLF included (RFC 5321 §4.5.3.1.6).
pub(super) const LINE_USUAL: usize = 1_000;
/// Longest body line that is taken at all, 64 KiB of text and CRLF: real mailers exceed the
/// standard, an endless line is an attack on whoever reads it.
pub(super) const LINE_MAX: usize = 65_536 + 2;
/// Length of an empty line, CRLF included.
const EMPTY_LINE: usize = 2;
/// How much of a refused message is swallowed for the sake of a proper answer, in sizes of the
/// largest message allowed (and never less than [`SWALLOW_MIN`]).
const SWALLOW_SIZES: u64 = 4;
/// See [`SWALLOW_SIZES`].
const SWALLOW_MIN: u64 = 64 << 20;

/// Reads one message from the input.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    at: At,
    /// Bytes of the current line so far.
    line: usize,
    /// Bytes of text so far.
    size: u64,
    /// Whether the first empty line is yet to come.
    in_header: bool,
    limits: Limits,
    repair: bool,
    swallowed: u64,
    long_line: bool,
    repaired: bool,
}

/// How large a message may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of the whole.
    pub(super) size_max: u64,
    /// Bytes up to and with the first empty line.
    pub(super) header_size_max: usize,
}

/// What the last bytes were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// CRLF, or nothing yet.
    LineStart,
    /// A bare LF that was repaired.
    RepairedStart,
    /// Text of a line.
    Text,
    /// CR within a line.
    Cr,
    /// CRLF and a dot, which is not text whatever follows.
    Dot,
    /// CRLF, a dot, CR: LF makes it the end.
    DotCr,
    /// A repaired LF and a dot.
    RepairedDot,
    /// A repaired LF, a dot, CR.
    RepairedDotCr,
    /// The message is refused; so many bytes of CRLF.CRLF have been seen.
    Refused(usize),
}

/// What came of some input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing to tell: go on if there is more input.
    Nothing,
    /// So many of the bytes used are text.
    Text,
    /// A CRLF that was not in the input.
    LineEnd,
    /// The message is refused from here on; its end is yet to come.
    Refused(Fault),
    /// That was the end.
    End,
    /// The message was refused, and its end does not come.
    Endless,
}

/// Why the message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A CR without LF.
    BareCr,
    /// An LF without CR.
    BareLf,
    /// A line of one dot with a bare LF on one of its sides, where bare LFs are repaired.
    LoneDot,
    /// A NUL byte.
    Nul,
    /// A line above [`LINE_MAX`].
    LineTooLong,
    /// A header larger than allowed.
    HeaderTooLarge,
    /// More than the size allowed.
    TooLarge,
}

impl Fault {
    /// The reason for the trace and the reply.
    pub(super) fn reason(self) -> Reason {
        match self {
            Fault::BareCr | Fault::BareLf | Fault::LoneDot => Reason::BareLineEnd,
            Fault::Nul => Reason::NulByte,
            Fault::LineTooLong => Reason::LineTooLong,
            Fault::HeaderTooLarge => Reason::HeaderTooLarge,
            Fault::TooLarge => Reason::MessageTooLarge,
        }
    }

    /// The facts for the trace.
    pub(super) fn detail(self) -> &'static str {
        match self {
            Fault::BareCr => "part=body found=bare_cr",
            Fault::BareLf => "part=body found=bare_lf",
            Fault::LoneDot => "part=body found=lone_dot_at_bare_lf",
            Fault::Nul => "part=body found=nul",
            Fault::LineTooLong => "part=body found=line_over_65536",
            Fault::HeaderTooLarge => "part=header found=more_than_header_size_max",
            Fault::TooLarge => "part=body found=more_than_size_max",
        }
    }
}

/// A stretch of input without dots at line starts, and what is in it.
struct Run {
    /// Where it ends in the input: at its end, before a dot at a line start, or before a bare LF.
    end: usize,
    /// CRLFs in it.
    lines: usize,
    /// The longest line in it, counted from where the line began.
    longest: usize,
    /// The length of the line that is not ended.
    unfinished: usize,
    /// How much of it belongs to the header.
    header: usize,
    /// Whether the header ends in it, or before.
    header_ended: bool,
}

impl Reader {
    /// Begins after DATA was answered with 354.
    pub(super) fn new(limits: Limits, repair: bool) -> Self {
        Self {
            at: At::LineStart,
            line: 0,
            size: 0,
            in_header: true,
            limits,
            repair,
            swallowed: 0,
            long_line: false,
            repaired: false,
        }
    }

    /// Whether a line was longer than the standard allows, yet bearable.
    pub(super) fn had_long_line(&self) -> bool {
        self.long_line
    }

    /// Whether a bare LF was repaired.
    pub(super) fn was_repaired(&self) -> bool {
        self.repaired
    }

    /// The rest is to be swallowed, for a reason of the caller's.
    pub(super) fn refuse(&mut self) {
        self.at = At::Refused(self.at.seen_of_end());
    }

    /// Reads on; `input` is not empty. Returns how many bytes were used, possibly none, and what
    /// they meant.
    pub(super) fn read(&mut self, input: &[u8]) -> (usize, Found) {
        let Some(&first) = input.first() else { return (0, Found::Nothing) };
        match (self.at, first) {
            (At::Refused(seen), _) => self.swallow(seen, input),
            (At::LineStart, b'.') => self.step(At::Dot),
            (At::RepairedStart, b'.') => self.step(At::RepairedDot),
            (At::Dot, b'\r') => self.step(At::DotCr),
            (At::DotCr, b'\n') => (1, Found::End),
            (At::RepairedDot, b'\r') => self.step(At::RepairedDotCr),
            (At::RepairedDotCr, b'\n') => self.fault(Fault::LoneDot),
            (At::DotCr | At::RepairedDotCr, _) => self.fault(Fault::BareCr),
            (At::Dot | At::RepairedDot, b'\n') if self.repair => self.fault(Fault::LoneDot),
            (At::Dot | At::RepairedDot, b'\n') => self.fault(Fault::BareLf),
            (At::Dot | At::RepairedDot, 0) => self.fault(Fault::Nul),
            // The dot was stuffed (RFC 5321 §4.5.2), or should have been: it is not text.
            (At::Dot | At::RepairedDot, _) => {
                self.at = At::Text;
                (0, Found::Nothing)
            }
            (At::LineStart | At::RepairedStart | At::Text, b'\n') => self.bare_lf(),
            (At::LineStart | At::RepairedStart | At::Text | At::Cr, _) => self.text(input),
        }
    }

    fn step(&mut self, at: At) -> (usize, Found) {
        self.at = at;
        (1, Found::Nothing)
    }

    /// Uses nothing: the swallowing begins where the fault was seen.
    fn fault(&mut self, fault: Fault) -> (usize, Found) {
        self.refuse();
        (0, Found::Refused(fault))
    }

    fn bare_lf(&mut self) -> (usize, Found) {
        if !self.repair {
            return self.fault(Fault::BareLf);
        }
        let (line, size) = (self.line + 2, self.size + 2);
        if let Some(fault) = self.over_limits(line, size, self.in_header) {
            return self.fault(fault);
        }
        self.in_header &= line > EMPTY_LINE;
        self.long_line |= line > LINE_USUAL;
        self.size = size;
        self.line = 0;
        self.repaired = true;
        self.at = At::RepairedStart;
        (1, Found::LineEnd)
    }

    /// The limit that a line of so many bytes, or so many bytes in all, would pass.
    fn over_limits(&self, line: usize, size: u64, in_header: bool) -> Option<Fault> {
        if line > LINE_MAX {
            Some(Fault::LineTooLong)
        } else if in_header && size > self.limits.header_size_max as u64 {
            Some(Fault::HeaderTooLarge)
        } else {
            (size > self.limits.size_max).then_some(Fault::TooLarge)
        }
    }

    /// A stretch of text: all of it at once if it is clean.
    fn text(&mut self, input: &[u8]) -> (usize, Found) {
        let run = self.measure(input);
        let text = input.get(..run.end).unwrap_or_default();
        if !self.is_clean(text, &run) {
            let fault = self.first_fault(text);
            return self.fault(fault);
        }
        self.in_header = !run.header_ended;
        self.long_line |= run.longest > LINE_USUAL;
        self.size += text.len() as u64;
        self.line = run.unfinished;
        self.at = match text.last() {
            Some(b'\n') => At::LineStart,
            Some(b'\r') => At::Cr,
            _ => At::Text,
        };
        (run.end, Found::Text)
    }

    /// Finds the end of the run that begins the input, by its LFs alone.
    fn measure(&self, input: &[u8]) -> Run {
        let mut run = Run {
            end: input.len(),
            lines: 0,
            longest: 0,
            unfinished: self.line,
            header: 0,
            header_ended: !self.in_header,
        };
        let mut begin = 0;
        for lf in memchr_iter(b'\n', input) {
            let after_cr = match lf.checked_sub(1) {
                Some(before) => input.get(before) == Some(&b'\r'),
                None => self.at == At::Cr,
            };
            if !after_cr {
                run.end = lf;
                break;
            }
            let line = run.unfinished + lf + 1 - begin;
            run.lines += 1;
            run.longest = run.longest.max(line);
            run.unfinished = 0;
            begin = lf + 1;
            if line == EMPTY_LINE && !run.header_ended {
                run.header = begin;
                run.header_ended = true;
            }
            if input.get(begin) == Some(&b'.') {
                run.end = begin;
                break;
            }
        }
        run.unfinished += run.end - begin;
        run.longest = run.longest.max(run.unfinished);
        if !run.header_ended {
            run.header = run.end;
        }
        run
    }

    /// Whether nothing in the run asks for a second look: every CR belongs to an LF (or is the last
    /// byte, and its LF may follow), no NUL, no limit passed.
    fn is_clean(&self, text: &[u8], run: &Run) -> bool {
        let before = usize::from(self.at == At::Cr);
        let open = usize::from(text.last() == Some(&b'\r'));
        before + memchr_iter(b'\r', text).count() == run.lines + open
            && memchr(0, text).is_none()
            && self.over_limits(run.longest, self.size + text.len() as u64, false).is_none()
            && self.over_limits(0, self.size + run.header as u64, self.in_header).is_none()
    }

    /// The first fault of a run that is not clean.
    fn first_fault(&self, text: &[u8]) -> Fault {
        let (mut line, mut size, mut cr) = (self.line, self.size, self.at == At::Cr);
        let mut in_header = self.in_header;
        for &byte in text {
            match byte {
                b'\n' => {}
                _ if cr => return Fault::BareCr,
                0 => return Fault::Nul,
                _ => {}
            }
            line += 1;
            size += 1;
            if let Some(fault) = self.over_limits(line, size, in_header) {
                return fault;
            }
            cr = byte == b'\r';
            if byte == b'\n' {
                in_header &= line > EMPTY_LINE;
                line = 0;
            }
        }
        // Not reached: `is_clean` finds nothing else. A refusal is right for what is not clean.
        Fault::BareCr
    }

    /// Looks for CRLF.CRLF and nothing else.
    fn swallow(&mut self, mut seen: usize, input: &[u8]) -> (usize, Found) {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            if seen == 0 {
                let Some(cr) = memchr(b'\r', rest) else {
                    used = input.len();
                    break;
                };
                used += cr;
            }
            seen = advance(seen, input.get(used).copied().unwrap_or_default());
            used += 1;
            if seen == END.len() {
                break;
            }
        }
        self.at = At::Refused(seen);
        self.swallowed += used as u64;
        let found = if self.swallowed
            > SWALLOW_MIN.max(self.limits.size_max.saturating_mul(SWALLOW_SIZES))
        {
            Found::Endless
        } else if seen == END.len() {
            Found::End
        } else {
            Found::Nothing
        };
        (used, found)
    }
}

/// The end of a message.
const END: &[u8] = b"\r\n.\r\n";

/// How much of [`END`] the bytes so far end in, after one more. Only a CR can begin it anew.
fn advance(seen: usize, byte: u8) -> usize {
    if END.get(seen) == Some(&byte) { seen + 1 } else { usize::from(byte == b'\r') }
}

impl At {
    /// How much of [`END`] has been seen in this state.
    fn seen_of_end(self) -> usize {
        match self {
            At::RepairedStart | At::Text | At::RepairedDot => 0,
            At::Cr | At::RepairedDotCr => 1,
            At::LineStart => 2,
            At::Dot => 3,
            At::DotCr => 4,
            At::Refused(seen) => seen,
        }
    }
}

#[cfg(test)]
mod tests;

//! The cells of the benchmark: size, sessions, recipients, connection for each message or not.

/// One load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) size: usize,
    pub(super) sessions: usize,
    pub(super) recipients: usize,
    /// One connection for many messages (`smtp-source -d`).
    pub(super) keep: bool,
}

impl Cell {
    /// `1k-s10`, `10k-s10-r50`, `10k-s10-d`.
    pub(super) fn name(&self) -> String {
        let size = match self.size {
            size if size >= 1 << 20 => format!("{}m", size >> 20),
            size => format!("{}k", size >> 10),
        };
        let recipients =
            if self.recipients > 1 { format!("-r{}", self.recipients) } else { String::new() };
        let keep = if self.keep { "-d" } else { "" };
        format!("{size}-s{}{recipients}{keep}", self.sessions)
    }
}

/// The cells that are measured with and without old mail.
pub(super) fn history() -> Vec<Cell> {
    let cell = |sessions| Cell { size: 1 << 10, sessions, recipients: 1, keep: false };
    vec![cell(10), cell(50)]
}

/// Every cell that the page shows.
pub(super) fn all() -> Vec<Cell> {
    let cell = |size: usize, sessions| Cell { size, sessions, recipients: 1, keep: false };
    let (k1, k10, k100, m1) = (1 << 10, 10 << 10, 100 << 10, 1 << 20);
    let mut cells = Vec::new();
    for size in [k1, k10] {
        cells.extend([1, 10, 50, 200].map(|sessions| cell(size, sessions)));
    }
    cells.extend([cell(k100, 10), cell(m1, 10)]);
    cells.push(Cell { recipients: 50, ..cell(k10, 10) });
    cells.push(Cell { keep: true, ..cell(k1, 10) });
    cells.push(Cell { keep: true, ..cell(k10, 10) });
    cells
}

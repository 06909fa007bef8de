//! Reading files whole, with a bound.

use crate::problem::{Problem, position};
use std::io::Read;
use std::path::Path;

/// The text of the file at `path`, unless it is larger than `size_max` or not UTF-8.
pub(crate) fn read(path: &Path, size_max: usize) -> Result<String, Problem> {
    String::from_utf8(read_bytes(path, size_max)?).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(e.as_bytes());
        let (line, column) = position(&text, valid);
        Problem::error(path, line, column, "is not UTF-8 here")
    })
}

/// The bytes of the file at `path`, unless it is larger than `size_max`.
pub(crate) fn read_bytes(path: &Path, size_max: usize) -> Result<Vec<u8>, Problem> {
    let fail = |message: String| Problem::error(path, 0, 0, message);
    let file = std::fs::File::open(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
    // A FIFO or device would keep us waiting for ever.
    let kind = file.metadata().map_err(|e| fail(format!("cannot be read: {e}")))?;
    if !kind.is_file() {
        return Err(fail("is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(size_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|e| fail(format!("cannot be read: {e}")))?;
    if bytes.len() > size_max {
        return Err(fail(format!("is larger than {size_max} bytes")));
    }
    Ok(bytes)
}

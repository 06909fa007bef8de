//! Archives and compressed files: what their members are called and what is in them.
//!
//! A format is known by its bytes, never by a name. Where two programs would read an archive
//! differently (zip's directory and its local headers, bytes before and behind), every reading is
//! given. Nothing is written anywhere; a member lives in memory while it is looked at.
//!
//! A file for each format under this one says what there is; `giving` alone decompresses, pays and
//! calls back.

mod ar;
mod arj;
mod behind;
mod bytes;
mod bzip2;
mod cab;
mod cpio;
mod format;
mod giving;
mod gzip;
mod iso;
mod lha;
mod lzh;
mod lzma;
mod name;
mod rar;
mod seven;
mod tar;
mod tnef;
mod xz;
mod zip;
mod zstd;

pub use format::{Format, formats};

use crate::{Budget, Trouble};
use giving::Giving;

/// One member of an archive.
#[derive(Debug)]
pub struct Member<'a> {
    /// Every name that some program could give it, as bytes of the archive decoded leniently;
    /// empty where the format has none (gzip without a name).
    pub names: Vec<String>,
    /// Its bytes, or why there are none. A folder or link has empty bytes. Of a damaged member it
    /// is what came out before the damage, which [`unpack`] returns.
    pub content: Result<&'a [u8], Trouble>,
    /// Only a reader that counts places in another way comes to it; for all others it is a piece
    /// of something else.
    pub is_aside: bool,
}

/// What is done with each member; it may go into archives in archives by the same budget.
pub type Each<'e> = dyn FnMut(Member<'_>, &mut Budget) + 'e;

/// Calls `each` with every member of every archive that some program would see in `bytes`, in the
/// formats that are known. `false`: there is none. A compressed file is an archive of one member:
/// of `x.tar.gz` the tar is given, and `each` goes on with that.
///
/// Goes into the budget and out of it again ([`Budget::enter`]) where there is an archive, so that
/// the caller must not.
///
/// # Errors
/// The first trouble that kept it from a part of the archive as a whole (a damaged directory, a
/// limit); the members before it were given, and those behind it as far as they can be found.
pub fn unpack(bytes: &[u8], budget: &mut Budget, each: &mut Each<'_>) -> Result<bool, Trouble> {
    let formats = formats(bytes);
    if formats.is_empty() {
        return Ok(false);
    }
    budget.enter()?;
    let mut giving = Giving::new(budget, each);
    for format in formats {
        if format.unpack(bytes, &mut giving).is_err() {
            break;
        }
    }
    let end = giving.end();
    budget.leave();
    end.map(|()| true)
}

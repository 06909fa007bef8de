//! What documents carry: macros, objects, scripts, files.
//!
//! Which inspection a content gets is told by what it is, and by what its names and types say it
//! is: a browser takes for a page what is called one. Each reads leniently, as the programs do, in
//! time that grows with the content, and gives what is inside back to the inspection of a part.

mod calendar;
mod compound;
mod encoded;
mod inflate;
mod markup;
mod office;
mod ole;
mod others;
mod pdf;
mod rtf;
mod script;

use crate::inspect::{Inspection, Item};
use crate::magic::{self, Shape};
use crate::{Budget, inspect};

/// Looks into a document by its shape, and by what it says it is.
pub(crate) fn look(
    item: &Item<'_>,
    kind: &magic::Kind,
    look: &mut Inspection<'_>,
    budget: &mut Budget,
) {
    let bytes = item.bytes;
    match kind.shape {
        Shape::Compound => ole::look(bytes, look, budget),
        Shape::Notebook => others::notebook(bytes, look, budget),
        Shape::Rtf => rtf::look(bytes, look, budget),
        Shape::Pdf => pdf::look(bytes, look, budget),
        Shape::Markup => markup::look(bytes, look, budget),
        Shape::Calendar => calendar::look(bytes, look, budget),
        Shape::Message => others::message(bytes, look, budget),
        Shape::Text => script::look(item, look),
        Shape::Plain if bytes.starts_with(b"ActiveMime") => {
            others::active_mime(bytes, look, budget)
        }
        Shape::Plain | Shape::Zip => {}
    }
    for shape in inspect::claimed(item).into_iter().filter(|shape| *shape != kind.shape) {
        claimed(bytes, shape, look, budget);
    }
}

/// What a program would look for that goes by a name or a type.
fn claimed(bytes: &[u8], shape: Shape, look: &mut Inspection<'_>, budget: &mut Budget) {
    match shape {
        Shape::Markup => markup::look(bytes, look, budget),
        Shape::Calendar => calendar::look(bytes, look, budget),
        Shape::Pdf => pdf::look(bytes, look, budget),
        Shape::Rtf => rtf::look(bytes, look, budget),
        Shape::Message => others::message(bytes, look, budget),
        _ => {}
    }
}

/// Looks at a member of an archive as a part of an office document.
pub(crate) fn member(item: &Item<'_>, look: &mut Inspection<'_>, budget: &mut Budget) {
    office::member(item, look, budget);
}

#[cfg(test)]
mod tests;

//! The compressed members of a RAR, by the library.

use std::cell::RefCell;
use std::io::{Error, ErrorKind, Write};
use std::rc::Rc;

use rars::{
    Archive, ArchiveMember, ArchiveReadOptions, ArchiveReader, ExtractionDecision,
    ExtractionErrorAction,
};

use crate::archive::giving::{Giving, Stop, Unpacked, WORKING_KIB, guarded};
use crate::budget::RATIO_FROM;
use crate::{Budget, Trouble};

/// What the library writes a member into. It asks for something that lives on its own, so that the
/// budget cannot be in it: what may come out is said before and paid after.
#[derive(Default)]
struct Member {
    bytes: Vec<u8>,
    most: usize,
    /// Of this member; the limit that it ran into.
    over: Option<&'static str>,
    ratio: usize,
}

struct Into(Rc<RefCell<Member>>);

impl Write for Into {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut member = self.0.borrow_mut();
        let sum = member.bytes.len().saturating_add(bytes.len());
        if sum > member.ratio {
            member.over = Some("ratio_max");
        } else if sum > member.most {
            member.over = Some("held_max");
        }
        if member.over.is_some() {
            return Err(Error::from(ErrorKind::OutOfMemory));
        }
        member.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is unpacked at the moment, and what waits for it.
struct Unpacking<'u, 'g, 'e> {
    giving: &'u mut Giving<'g, 'e>,
    waiting: Vec<(Vec<u8>, Option<Vec<String>>)>,
    current: Option<(Vec<String>, u64)>,
    member: Rc<RefCell<Member>>,
    /// Members refer to those before them, so that none may be left out.
    is_solid: bool,
    stopped: bool,
}

/// Gives the members of these raw names and names, in the order of the archive.
pub(super) fn give(
    bytes: &[u8],
    packed: Vec<(Vec<u8>, Vec<String>)>,
    giving: &mut Giving<'_, '_>,
) -> Result<(), Stop> {
    let options = options(giving.budget);
    let waiting = packed.into_iter().map(|(raw, names)| (raw, Some(names))).collect();
    let unpacking = RefCell::new(Unpacking {
        giving,
        waiting,
        current: None,
        member: Rc::default(),
        is_solid: false,
        stopped: false,
    });
    let outcome = guarded(|| {
        let archive =
            ArchiveReader::read_with_options(bytes, options).map_err(|error| error.kind())?;
        unpacking.borrow_mut().is_solid = is_solid(&archive);
        let decide = |member: &ArchiveMember| Ok(unpacking.borrow_mut().next(member));
        let failed = |_: &ArchiveMember, _: &rars::Error| {
            unpacking.borrow_mut().end(Some(Trouble::Unreadable("rar member")));
            Ok(ExtractionErrorAction::Continue)
        };
        let outcome = archive.extract_with_control_and_errors(options, decide, failed);
        outcome.map(|_| ()).map_err(|error| error.kind())
    });
    let mut unpacking = unpacking.into_inner();
    let trouble = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(rars::ErrorKind::ResourceLimit)) => Some(Trouble::Limit("held_max")),
        Ok(Err(_)) => Some(Trouble::Unreadable("rar member")),
        Err(trouble) => Some(trouble),
    };
    unpacking.end(trouble);
    unpacking.rest(trouble)
}

fn is_solid(archive: &Archive) -> bool {
    let main = match archive {
        Archive::Rar13(archive) => archive.main.is_solid(),
        Archive::Rar15To40(archive) => archive.main.is_solid(),
        Archive::Rar50Plus(archive) => archive.main.is_solid(),
        _ => true,
    };
    main || archive.members().any(|member| member.is_solid())
}

/// The limits that the library keeps.
fn options(budget: &Budget) -> ArchiveReadOptions<'static> {
    let working = u64::from(WORKING_KIB) << 10;
    ArchiveReadOptions::new()
        .with_max_header_count(budget.limits().members_max as u64 * 2)
        .with_rar50_dictionary_size_limit(working)
        .with_rar50_buffered_decode_limit(0)
        .with_max_reader_workspace_bytes(working * 2)
        .with_max_total_output_bytes(budget.limits().unpacked_max)
}

impl Unpacking<'_, '_, '_> {
    /// What is to be done with the next member; the one before is complete.
    fn next(&mut self, member: &ArchiveMember) -> ExtractionDecision {
        self.end(None);
        if self.stopped {
            return ExtractionDecision::Stop;
        }
        let raw = member.meta.name_bytes();
        let waits = self.waiting.iter_mut().find(|(name, names)| name == raw && names.is_some());
        let names = waits.and_then(|(_, names)| names.take());
        if names.is_none() && (member.meta.is_directory || member.meta.is_redirection) {
            return ExtractionDecision::Skip;
        }
        // What was given already, or is not ours to give, is unpacked only for what refers to it.
        let names = names.filter(|_| !member.meta.is_encrypted);
        let Some(names) = names else {
            let sink = || ExtractionDecision::Extract(Box::new(std::io::sink()));
            return if self.is_solid { sink() } else { ExtractionDecision::Skip };
        };
        let budget = &self.giving.budget;
        let ratio = member.meta.packed_size.saturating_mul(budget.limits().ratio_max);
        *self.member.borrow_mut() = Member {
            bytes: Vec::new(),
            most: budget.spare(),
            over: None,
            ratio: usize::try_from(ratio.max(RATIO_FROM)).unwrap_or(usize::MAX),
        };
        self.current = Some((names, member.meta.packed_size));
        ExtractionDecision::Extract(Box::new(Into(Rc::clone(&self.member))))
    }

    /// Gives the member that was unpacked, which ended well or in this trouble.
    fn end(&mut self, trouble: Option<Trouble>) {
        let Some((names, packed)) = self.current.take() else { return };
        let member = self.member.take();
        let mut unpacked = Unpacked { bytes: member.bytes, trouble };
        if let Some(limit) = member.over {
            unpacked.trouble = Some(Trouble::Limit(limit));
        }
        let count = unpacked.bytes.len();
        let budget = &mut self.giving.budget;
        let paid = budget.unpacked(packed.max(count as u64), packed, count as u64);
        if let Err(trouble) = paid.and_then(|()| budget.hold(count)) {
            unpacked = Unpacked { bytes: Vec::new(), trouble: Some(trouble) };
        }
        self.stopped |= self.giving.unpacked(names, unpacked).is_err();
    }

    /// Gives what was not reached, by its names.
    fn rest(self, trouble: Option<Trouble>) -> Result<(), Stop> {
        if self.stopped {
            return Err(Stop);
        }
        let why = trouble.unwrap_or(Trouble::Unreadable("rar member"));
        for names in self.waiting.into_iter().filter_map(|(_, names)| names) {
            self.giving.trouble(why);
            self.giving.give(names, Err(why))?;
        }
        Ok(())
    }
}

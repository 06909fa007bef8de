//! The sets of a chain as they are written (RFC 8617 §4.1, §4.2).

use super::{ChainResult, SETS_MAX, SetResult};
use crate::authentication::body_hash::Wanted;
use crate::authentication::canonical::without_line_end;
use crate::authentication::dkim::{Base, Fault, Kind, Outcome, Signature, required};
use crate::authentication::message::{Message, field_name, field_value};
use crate::authentication::tags::{TagList, number};
use mail::Domain;

/// Digits of an instance (RFC 8617 §4.2.1).
const INSTANCE_DIGITS: usize = 2;

/// The chain of a message, read but not verified.
#[derive(Default)]
pub(crate) struct Sets {
    /// From the oldest; complete and in order, unless there is a fault.
    pub(super) sets: Vec<Set>,
    /// What is wrong with the order or the form of the sets.
    pub(super) fault: Option<String>,
    /// The highest instance that was seen.
    pub(super) highest: u32,
    /// Whether its newest seal says that the chain is broken.
    pub(super) ended: bool,
}

/// One set: places of its fields in the header, and what they say.
pub(super) struct Set {
    /// From 1.
    pub(super) instance: u32,
    pub(super) results_at: usize,
    pub(super) results: String,
    pub(super) signature_at: usize,
    pub(super) signature: Result<Signature, Fault>,
    pub(super) seal_at: usize,
    pub(super) seal: Seal,
}

/// An ARC-Seal.
pub(super) struct Seal {
    pub(super) base: Base,
    pub(super) state: ChainResult,
}

/// The three fields of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Results,
    Signature,
    Seal,
}

const FIELDS: [(&str, Field); 3] = [
    ("ARC-Authentication-Results", Field::Results),
    ("ARC-Message-Signature", Field::Signature),
    ("ARC-Seal", Field::Seal),
];

/// Where the fields of a set are, as far as they were seen: results, signature, seal.
type Places = [Option<usize>; 3];

impl Sets {
    /// Reads the chain of a message.
    pub(crate) fn of(message: &Message<'_>) -> Self {
        let mut sets = Self::default();
        let mut places: Vec<Places> = Vec::new();
        let fields: Vec<&[u8]> = message.fields().collect();
        for (at, field) in fields.iter().enumerate() {
            let name = field_name(field);
            let known = FIELDS.iter().find(|(own, _)| name.eq_ignore_ascii_case(own.as_bytes()));
            if let Some((_, kind)) = known
                && let Err(reason) = sets.place(*kind, at, field, &mut places)
            {
                sets.fault.get_or_insert(reason);
            }
        }
        if sets.fault.is_none() && !message.is_complete() {
            sets.fault = Some("the header is larger than what is looked at".to_owned());
        }
        if let Some(newest) = places.last()
            && let [.., Some(seal)] = newest
            && let Some(Ok(seal)) = fields.get(*seal).map(|field| Seal::read(field))
        {
            sets.ended = seal.state == ChainResult::Fail;
        }
        if sets.fault.is_none() {
            match (1..).zip(&places).map(|(i, places)| Set::read(i, places, &fields)).collect() {
                Ok(read) => sets.sets = read,
                Err(reason) => sets.fault = Some(reason),
            }
        }
        sets
    }

    /// Puts a field where it belongs.
    fn place(
        &mut self,
        kind: Field,
        at: usize,
        field: &[u8],
        places: &mut Vec<Places>,
    ) -> Result<(), String> {
        // Seen, whatever it says: a message with any of these fields has a chain.
        self.highest = self.highest.max(1);
        let instance = match kind {
            Field::Results => instance_of_results(field).map(|(instance, _)| instance),
            Field::Signature | Field::Seal => instance_of_tags(field),
        };
        let instance = instance.ok_or("a field of the chain has no instance that can be read")?;
        self.highest = self.highest.max(instance);
        if instance > SETS_MAX {
            return Err(format!("the chain has more than {SETS_MAX} sets"));
        }
        let index = instance.saturating_sub(1) as usize;
        if places.len() <= index {
            places.resize(index + 1, Places::default());
        }
        let place = places.get_mut(index).and_then(|set| set.get_mut(kind as usize));
        match place {
            Some(place) if place.is_none() => *place = Some(at),
            _ => return Err(format!("set {instance} of the chain has a field twice")),
        }
        Ok(())
    }

    /// The forms of the body that are covered.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Wanted> {
        self.verifiable().filter_map(|set| set.signature.as_ref().ok()).map(Signature::wanted)
    }

    /// Where the keys are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Domain> {
        // The newest first: should there be too many, they are those that decide.
        self.verifiable().rev().flat_map(|set| {
            let signature = set.signature.as_ref().ok().map(|signature| &signature.base);
            signature.into_iter().chain([&set.seal.base]).map(|base| &base.key_name)
        })
    }

    /// The sets whose signatures matter: none of a chain that is broken already.
    fn verifiable(&self) -> impl DoubleEndedIterator<Item = &Set> {
        let sets = if self.ended { &[] } else { self.sets.as_slice() };
        sets.iter()
    }

    /// The sets as they are told.
    pub(super) fn results(&self) -> Vec<SetResult> {
        let told = |set: &Set| SetResult {
            instance: set.instance,
            sealer: set.seal.base.domain.clone(),
            signer: set.signature.as_ref().ok().map(|signature| signature.base.domain.clone()),
            results: set.results.clone(),
        };
        self.sets.iter().map(told).collect()
    }
}

impl Set {
    fn read(instance: u32, places: &Places, fields: &[&[u8]]) -> Result<Self, String> {
        let &[Some(results_at), Some(signature_at), Some(seal_at)] = places else {
            return Err("a set of the chain lacks a field".to_owned());
        };
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let (_, results) = instance_of_results(field(results_at)).unwrap_or_default();
        Ok(Self {
            instance,
            results_at,
            results,
            signature_at,
            signature: signature(field(signature_at)),
            seal_at,
            seal: Seal::read(field(seal_at)).map_err(|fault| fault.reason)?,
        })
    }
}

fn signature(field: &[u8]) -> Result<Signature, Fault> {
    let signature = Signature::read(&TagList::parse(field_value(field))?, Kind::Arc)?;
    // Fifty different lengths would be fifty hashes, and none of them covers the message.
    if signature.length.is_some() {
        let reason = "the signature of the message covers a part of the body (l=)";
        return Err(Fault::new(Outcome::Policy, reason));
    }
    Ok(signature)
}

impl Seal {
    fn read(field: &[u8]) -> Result<Self, Fault> {
        let tags = TagList::parse(field_value(field))?;
        // RFC 8617 §4.1.3
        if tags.get("h").is_some() {
            return Err(Fault::new(Outcome::PermError, "a seal names fields (h=)"));
        }
        let state = match required(&tags, "cv")? {
            "none" => ChainResult::None,
            "pass" => ChainResult::Pass,
            "fail" => ChainResult::Fail,
            _ => return Err(Fault::new(Outcome::PermError, "a seal has an unknown cv=")),
        };
        Ok(Self { base: Base::read(&tags)?, state })
    }
}

fn instance(text: &str) -> Option<u32> {
    let number = number(text, INSTANCE_DIGITS).filter(|&number| number > 0)?;
    u32::try_from(number).ok()
}

fn instance_of_tags(field: &[u8]) -> Option<u32> {
    instance(TagList::parse(field_value(field)).ok()?.get("i")?)
}

/// The instance in front of results, and the results (RFC 8617 §4.1.1). Comments there are not
/// read: no sealer writes them, and what reads them differently would see another chain.
fn instance_of_results(field: &[u8]) -> Option<(u32, String)> {
    let text = mail::mime::unfold(without_line_end(field_value(field)));
    let text = String::from_utf8_lossy(&text);
    let (front, results) = text.split_once(';')?;
    let (name, number) = front.split_once('=')?;
    if name.trim_matches([' ', '\t']) != "i" {
        return None;
    }
    let shown = results.trim().chars().filter(|c| !c.is_control() || *c == '\t').collect();
    Some((instance(number.trim_matches([' ', '\t']))?, shown))
}

//! The ruling of one examined message: the policy table over everything that was found, and what
//! is done with the parts. Pure, so that a scan without a server asks the same.

use super::policy::{self, Ruling};
use super::{Looking, STAGE, surgery};
use crate::release;
use crate::texts::{Removed, Texts};
use config::WebUrl;
use config::attachment::{Action, AmbiguousChoice};
use config::settings::Attachment;
use content::examination::{Examination, Looked, incomplete};
use content::{Class, Hit};
use mail::index::{Index, Part};
use mail::{Domain, Envelope, Finding, HeldPart, MessageId, Reason, Suggestion};
use std::cmp::Reverse;

/// One examined message, and what its ruling rests on.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The settings: the administrator's rules, and what is done with several readings.
    pub settings: &'a Attachment,
    /// Texts for what is taken out.
    pub texts: &'a Texts,
    /// Our own name, for these texts.
    pub hostname: &'a Domain,
    /// Where our web pages are, for links in them.
    pub web: Option<&'a WebUrl>,
    /// The message's number.
    pub id: MessageId,
    /// Who sends it to whom.
    pub envelope: &'a Envelope,
    /// Its preferred reading.
    pub index: &'a Index,
    /// What a worker found; never to be believed but as a finding.
    pub examination: &'a Examination,
    /// By which parts that are taken out may be asked for; empty where nothing is kept.
    pub token: &'a str,
    /// What its sender could not know: a delimiter that is put into the message is made of it.
    pub nonce: u64,
}

/// A ruling, for who wants to know without a server.
#[derive(Debug)]
pub struct Outcome {
    /// What the stage says.
    pub findings: Vec<Finding>,
    /// Whether the message would be changed, if it is delivered.
    pub is_changed: bool,
    /// The names of the parts that would be taken out.
    pub removed: Vec<String>,
}

/// What is done with one thing, by its strictest hit.
struct Ruled<'a> {
    looked: &'a Looked,
    hit: Option<&'a Hit>,
    ruling: Ruling,
}

impl Ruled<'_> {
    /// Of two with the same action a virus is named: its sender is told of nothing.
    fn weight(&self) -> (Action, bool) {
        (self.ruling.action, self.hit.is_some_and(|hit| hit.class == Class::Virus))
    }
}

impl Case<'_> {
    /// What the stage would find and do.
    pub fn outcome(&self) -> Outcome {
        let Looking { findings, edits, held } = self.rule();
        let removed = held.into_iter().map(|part| part.name).collect();
        Outcome { findings, is_changed: !edits.is_empty(), removed }
    }

    /// What is done with one thing for one of its hits, or (`None`) for its names and types.
    pub fn ruling(&self, looked: &Looked, hit: Option<&Hit>) -> Option<Ruling> {
        policy::ruling(&self.settings.rules, self.envelope, looked, hit)
    }

    /// Whether some part is to be taken out.
    pub(crate) fn takes_out(&self) -> bool {
        let mut ruled = self.examination.looked.iter().filter_map(|looked| self.ruled(looked));
        ruled.any(|ruled| ruled.ruling.action == Action::Remove)
    }

    /// Rules over it.
    pub(crate) fn rule(&self) -> Looking {
        let mut ruled: Vec<Ruled<'_>> =
            self.examination.looked.iter().filter_map(|looked| self.ruled(looked)).collect();
        let whole = self.examination.incomplete.as_deref().map(incomplete);
        let nothing = Looked::whole(self.index.size);
        if let Some(hit) = &whole
            && let Some(ruling) = self.ruling(&nothing, Some(hit))
        {
            ruled.push(Ruled { looked: &nothing, hit: Some(hit), ruling });
        }
        let strictest = ruled.iter().map(|ruled| ruled.ruling.action).max();
        let strictest = strictest.unwrap_or(Action::Allow);
        let findings = ruled.iter().map(|ruled| self.finding(ruled)).collect();
        let mut looking = Looking { findings, ..Looking::default() };
        looking.findings.dedup();
        match strictest {
            Action::Quarantine | Action::Refuse => {}
            _ if !self.examination.ambiguities.is_empty() => {
                self.ambiguous(strictest, &mut looking);
            }
            Action::Allow => {}
            Action::Warn | Action::Rename | Action::Remove => self.operate(&ruled, &mut looking),
        }
        looking
    }

    fn ruled<'l>(&self, looked: &'l Looked) -> Option<Ruled<'l>> {
        let of = |hit: Option<&'l Hit>| {
            let ruling = self.ruling(looked, hit)?;
            Some(Ruled { looked, hit, ruling })
        };
        let by_hit = looked.hits.iter().filter_map(|hit| of(Some(hit)));
        let by_name = of(None).into_iter();
        by_hit.chain(by_name).reduce(|a, b| if b.weight() > a.weight() { b } else { a })
    }

    fn finding(&self, ruled: &Ruled<'_>) -> Finding {
        let Ruled { looked, hit, ruling } = ruled;
        let reason = hit.map_or(Reason::AttachmentProhibited, |hit| reason(hit.class));
        let suggestion = match ruling.action {
            Action::Refuse => Suggestion::Refuse(None),
            Action::Quarantine => Suggestion::Quarantine,
            _ => Suggestion::Note,
        };
        let action = ruling.action.word();
        let detail = format!("action={action} {}", facts(looked, *hit));
        Finding { stage: STAGE, rule: ruling.rule.clone(), reason, score: 0.0, detail, suggestion }
    }

    /// What is done with a message that has several readings, none of which is to be put aside.
    fn ambiguous(&self, strictest: Action, looking: &mut Looking) {
        let rebuilt = self.examination.rebuilt.as_ref().filter(|_| strictest == Action::Allow);
        let (suggestion, action) = match (self.settings.ambiguous, rebuilt) {
            (AmbiguousChoice::Refuse, _) => (Suggestion::Refuse(None), "refuse"),
            (AmbiguousChoice::Rebuild, Some(rebuilt)) => {
                looking.edits = surgery::rebuilt(self.index, rebuilt);
                (Suggestion::Note, "rebuild")
            }
            _ => (Suggestion::Quarantine, "quarantine"),
        };
        let seen = self.examination.ambiguities.join(",");
        looking.findings.push(Finding {
            stage: STAGE,
            rule: "attachment ambiguous".to_owned(),
            reason: Reason::Ambiguous,
            score: 0.0,
            detail: format!("action={action} seen={seen}"),
            suggestion,
        });
    }

    /// Takes parts out, renames them, puts warnings before them. What cannot be cut out by itself
    /// puts the message into quarantine.
    fn operate(&self, ruled: &[Ruled<'_>], looking: &mut Looking) {
        let (index, texts) = (self.index, self.texts);
        let mut warnings = Vec::new();
        for one in each_place_once(ruled) {
            let part = part_at(index, one.looked);
            let told = self.told(one);
            match (one.ruling.action, part) {
                (Action::Warn, _) => warnings.push(told),
                (Action::Rename, Some(part)) => {
                    looking.edits.extend(surgery::rename(index, part, &told.name));
                }
                (Action::Remove, Some(part)) => {
                    looking.edits.extend(surgery::replace(index, part, &texts.removed(&told)));
                    looking.held.push(self.held(one, told));
                }
                (Action::Remove, None) if self.is_within_text(one.looked) => {
                    let place = one.looked.place.clone();
                    let text = texts.removed(&told);
                    looking.edits.extend(surgery::replace_lines(place, &text));
                    looking.held.push(self.held(one, told));
                }
                (Action::Remove | Action::Rename, None) => {
                    looking
                        .findings
                        .push(Finding { suggestion: Suggestion::Quarantine, ..self.finding(one) });
                }
                _ => {}
            }
        }
        if !warnings.is_empty() {
            let boundary = format!("=_{}.{:016x}", self.id, self.nonce);
            let edits = surgery::warn(index, &texts.warning(&warnings), &boundary);
            looking.edits.extend(edits);
        }
    }

    /// Whether it is some lines of a text that stands there as it is.
    fn is_within_text(&self, looked: &Looked) -> bool {
        let place = &looked.place;
        let around = self.index.parts.iter().find(|part| {
            part.children.is_empty()
                && part.encoding.is_identity()
                && part.body.start <= place.start
                && place.end <= part.body.end
        });
        around.is_some() && place.start < place.end
    }

    /// What people are told of a thing.
    fn told(&self, ruled: &Ruled<'_>) -> Removed {
        let Ruled { looked, hit, ruling } = ruled;
        Removed {
            name: shown_name(looked),
            media_type: looked.types.first().cloned().unwrap_or_else(|| looked.kind.clone()),
            kind: looked.kind.clone(),
            size: looked.size,
            sha256: looked.sha256.clone(),
            why: hit.map_or("", |hit| hit.class.meaning()).to_owned(),
            inside: hit.map(|hit| hit.path.join(" / ")).unwrap_or_default(),
            rule: hit.map_or_else(|| ruling.rule.clone(), |hit| hit.rule.clone()),
            message: self.id.to_string(),
            hostname: self.hostname.to_string(),
            ask: release::address(self.hostname),
            token: self.token.to_owned(),
            link: self.link(),
        }
    }

    /// Where parts that are taken out may be asked for in a browser; empty where they cannot be.
    fn link(&self) -> String {
        let url = self.web.filter(|_| !self.token.is_empty());
        url.map(|url| release::link(url, self.token)).unwrap_or_default()
    }

    fn held(&self, ruled: &Ruled<'_>, told: Removed) -> HeldPart {
        HeldPart {
            place: ruled.looked.place.clone(),
            name: told.name,
            media_type: told.media_type,
            size: told.size,
            sha256: told.sha256,
            reason: ruled.hit.map_or(Reason::AttachmentProhibited, |hit| reason(hit.class)),
            rule: ruled.ruling.rule.clone(),
            detail: facts(ruled.looked, ruled.hit),
        }
    }
}

/// Rulings by weight, but for those of a place that is dealt with by a heavier one: several readers
/// may see the same bytes, and what is taken out takes along what is within it.
fn each_place_once<'r, 'l>(ruled: &'r [Ruled<'l>]) -> Vec<&'r Ruled<'l>> {
    let mut heaviest: Vec<&Ruled<'_>> = ruled.iter().collect();
    heaviest.sort_by_key(|one| {
        let place = &one.looked.place;
        (Reverse(one.weight()), place.start, Reverse(place.end))
    });
    let mut once: Vec<&Ruled<'_>> = Vec::new();
    for one in heaviest {
        let place = &one.looked.place;
        let deals_with = |other: &&Ruled<'_>| {
            let dealt = &other.looked.place;
            let goes = other.ruling.action == Action::Remove;
            dealt == place || goes && dealt.start <= place.start && place.end <= dealt.end
        };
        if !once.iter().any(deals_with) {
            once.push(one);
        }
    }
    once
}

/// The part of the preferred reading that a thing is, whole. A worker's word is not taken for it.
fn part_at<'i>(index: &'i Index, looked: &Looked) -> Option<&'i Part> {
    let place = &looked.place;
    let is_it = |part: &&Part| {
        part.header.start == place.start && part.body.end == place.end
            || part.parent.is_none() && *place == (0..index.size)
    };
    let named = looked.part.and_then(|part| index.parts.get(part));
    named.filter(is_it).or_else(|| index.parts.iter().rev().find(is_it))
}

/// The name that people saw, or would have seen.
fn shown_name(looked: &Looked) -> String {
    let name = looked.names.first().map_or("", String::as_str);
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let name: String = name.chars().map(shown).take(120).collect();
    if name.trim().is_empty() { "unnamed".to_owned() } else { name }
}

/// The facts of a thing, for the trace.
fn facts(looked: &Looked, hit: Option<&Hit>) -> String {
    let mut facts = format!(
        "name={:?} kind={} size={} seen_by={}",
        shown_name(looked),
        looked.kind,
        looked.size,
        looked.source
    );
    if !looked.sha256.is_empty() {
        facts.push_str(&format!(" sha256={}", looked.sha256));
    }
    if let Some(hit) = hit {
        facts.push_str(&format!(" class={} found={:?}", hit.class, hit.rule));
        if !hit.path.is_empty() {
            facts.push_str(&format!(" inside={:?}", hit.path.join("/")));
        }
        if !hit.detail.is_empty() {
            facts.push_str(&format!(" {}", hit.detail));
        }
    }
    facts
}

/// The reason that a class of danger belongs to.
fn reason(class: Class) -> Reason {
    match class {
        Class::Virus => Reason::VirusFound,
        Class::Encrypted | Class::Unreadable => Reason::AttachmentUnreadable,
        Class::TooComplex => Reason::TooComplex,
        _ => Reason::AttachmentProhibited,
    }
}

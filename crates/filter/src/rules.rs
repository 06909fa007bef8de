//! The rules in force: from the settings and the store, compiled once and exchanged whole.

use crate::attachment::lists::InUse;
use crate::scanner::Scanners;
use crate::subject::rules::{Rule, RuleSet};
use crate::texts::Texts;
use arc_swap::ArcSwap;
use config::subject::Match;
use config::{Settings, WebUrl};
use mail::{Domain, Reason, ReplyText};
use smtp::reply::{Severity, for_reason};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Everything that judging needs to know beside the message; never changed, only exchanged.
#[derive(Debug)]
pub(crate) struct InForce {
    /// The name this server goes by.
    pub(crate) hostname: Domain,
    /// Where people reach its web pages.
    pub(crate) web: Option<WebUrl>,
    /// Received fields above which a message goes in circles.
    pub(crate) hops_max: usize,
    /// Domains whose ARC seals are believed.
    pub(crate) trusted_sealers: Vec<Domain>,
    /// Domains of mailing lists that change what they send on.
    pub(crate) mailing_lists: Vec<Domain>,
    /// What judging one message may take.
    pub(crate) time_limit: Duration,
    /// What is done with what parts hold.
    pub(crate) attachment: config::settings::Attachment,
    /// The lists of hashes and patterns.
    pub(crate) lists: Arc<InUse>,
    /// What is done with what scanners say.
    pub(crate) scanner: config::settings::Scanner,
    /// The scanners.
    pub(crate) scanners: Arc<Scanners>,
    /// Texts for people.
    pub(crate) texts: Arc<Texts>,
    /// The subject rules.
    pub(crate) subjects: Arc<RuleSet>,
    /// The rules that `subjects` was compiled from.
    pub(crate) sources: Vec<Rule>,
    /// The directory's version that they were read from.
    version: i64,
}

/// The place where [`InForce`] is exchanged.
pub(crate) struct Rules {
    current: ArcSwap<InForce>,
    /// The settings; held while something is compiled, so that it is done once.
    settings: Mutex<Arc<Settings>>,
}

impl Rules {
    /// Compiles the rules of settings and directory.
    pub(crate) fn new(settings: &Arc<Settings>, directory: &store::Directory) -> Self {
        let current = ArcSwap::from_pointee(compile(settings, directory, None));
        Self { current, settings: Mutex::new(Arc::clone(settings)) }
    }

    /// The rules in force, compiled anew if the directory has changed.
    pub(crate) fn in_force(&self, directory: &store::Directory) -> Arc<InForce> {
        let current = self.current.load_full();
        if current.version >= directory.version {
            return current;
        }
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        if current.version >= directory.version {
            return current;
        }
        let next = Arc::new(compile(&settings, directory, Some(&current)));
        self.current.store(Arc::clone(&next));
        next
    }

    /// Puts new settings in force.
    pub(crate) fn reload(&self, settings: &Arc<Settings>, directory: &store::Directory) {
        let mut held = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Arc::clone(settings);
        self.current.store(Arc::new(compile(settings, directory, None)));
    }
}

fn compile(settings: &Settings, directory: &store::Directory, before: Option<&InForce>) -> InForce {
    let sources: Vec<Rule> = settings_rules(settings).chain(store_rules(directory)).collect();
    // The directory changes with every account; expressions are compiled only when they change.
    let subjects = match before {
        Some(before) if before.sources == sources => Arc::clone(&before.subjects),
        _ => {
            let (subjects, broken) = RuleSet::compile(sources.clone());
            for (rule, error) in broken {
                tracing::error!(rule = rule.name, error, "subject rule left out");
            }
            Arc::new(subjects)
        }
    };
    // Texts change with the settings alone.
    let texts = match before {
        Some(before) => Arc::clone(&before.texts),
        None => {
            let config::settings::Texts { language, folder } = &settings.texts;
            Arc::new(Texts::new(language.word(), folder.as_deref()))
        }
    };
    // So do scanners, of whose health something is known.
    let scanners = match before {
        Some(before) => Arc::clone(&before.scanners),
        None => Arc::new(Scanners::new(&settings.scanner)),
    };
    // So do the files of lists: they are read at start and reload, when they were checked.
    let lists = match before {
        Some(before) => Arc::clone(&before.lists),
        None => Arc::new(lists(&settings.attachment)),
    };
    InForce {
        lists,
        hostname: settings.server.hostname.clone(),
        web: settings.web_url(),
        hops_max: settings.limits.hops_max,
        trusted_sealers: settings.authentication.trusted_sealers.clone(),
        mailing_lists: settings.authentication.mailing_lists.clone(),
        time_limit: Duration::from_secs(settings.limits.filter_timeout_secs),
        attachment: settings.attachment.clone(),
        scanner: settings.scanner.clone(),
        scanners,
        texts,
        subjects,
        sources,
        version: directory.version,
    }
}

/// The lists that the settings name. Files that were right when the settings were checked and are
/// wrong now leave what is built in.
fn lists(settings: &config::settings::Attachment) -> InUse {
    crate::attachment::lists::read(settings).unwrap_or_else(|problems| {
        for problem in problems {
            tracing::error!(%problem, "lists of hashes and patterns are left out");
        }
        InUse::default()
    })
}

fn settings_rules(settings: &Settings) -> impl Iterator<Item = Rule> {
    settings.subject.rules.iter().map(|rule| Rule {
        name: format!("subject {}", rule.name),
        id: None,
        kind: rule.kind,
        pattern: rule.pattern.clone(),
        reply: rule.reply.clone(),
        expires: rule.expires,
    })
}

fn store_rules(directory: &store::Directory) -> impl Iterator<Item = Rule> {
    directory.subjects().iter().map(|record| Rule {
        name: format!("subject {}", record.id),
        id: Some(record.id),
        kind: Match::from_word(&record.kind).unwrap_or(Match::Text),
        pattern: record.pattern.clone(),
        reply: reply(record),
        expires: record.expires,
    })
}

/// The reply of a rule of the store. One with a code but no text says what the reason says.
fn reply(record: &store::SubjectRecord) -> Option<ReplyText> {
    if record.code == 0 && record.text.is_empty() {
        return None;
    }
    let usual = for_reason(Severity::Permanent, Reason::SubjectProhibited);
    let code = if record.code == 0 { usual.code } else { record.code };
    let text = match record.text.as_str() {
        "" => usual.lines.first().map(ToString::to_string).unwrap_or_default(),
        text => text.to_owned(),
    };
    let mut parts = record.enhanced.split('.').map(str::parse::<u16>);
    let enhanced = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(class)), Some(Ok(subject)), Some(Ok(detail)), None) => {
            u8::try_from(class).ok().map(|class| (class, subject, detail))
        }
        _ => None,
    };
    Some(ReplyText { code, enhanced, text })
}

//! Changes of rules: access entries, subject rules, and how often they decided.

use super::catch_up::Kind;
use crate::database::{Statement, Write};
use crate::{Error, Store};
use mail::{Id, Timestamp};

/// A subject rule to be added.
#[derive(Debug, Clone)]
pub struct NewSubject {
    /// `text`, `prefix` or `regex`.
    pub kind: String,
    /// What the normalised subject must match.
    pub pattern: String,
    /// Reply code; 0 is the default.
    pub code: u16,
    /// Enhanced code as `5.7.1`; empty is the default.
    pub enhanced: String,
    /// Reply text; empty is the default.
    pub text: String,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

impl NewSubject {
    /// A rule for exactly this subject, with the default reply, for ever.
    pub fn text(pattern: &str) -> Self {
        Self {
            kind: "text".to_owned(),
            pattern: pattern.to_owned(),
            code: 0,
            enhanced: String::new(),
            text: String::new(),
            expires: None,
        }
    }
}

impl Store {
    /// Adds an access entry, in sendmail's words; answers its number.
    ///
    /// # Errors
    /// [`Error::Exists`] if an entry with this tag and key is in force.
    pub async fn add_access(
        &self,
        tag: &str,
        key: &str,
        value: &str,
        reason: &str,
        expires: Option<Timestamp>,
    ) -> Result<Id, Error> {
        let _one = self.begin_change().await?;
        let id = self.id().await?;
        let statement = Statement::new(
            "INSERT INTO access (id, organisation, node, tag, entry_key, entry_value, reason, \
             expires, valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                tag.into(),
                key.into(),
                value.into(),
                reason.into(),
                expires.map(|at| at.0).into(),
                self.now().into(),
            ],
        );
        let what = format!("the access entry {}", tagged(tag, key));
        let says = format!(" {value} ({reason})");
        self.add((Kind::Access, id), vec![statement], &what, &says).await?;
        Ok(id)
    }

    /// Ends an access entry.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_access(&self, id: Id) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let statement = Statement::new(
            "UPDATE access SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL",
            vec![id.into(), self.now().into()],
        );
        self.end((Kind::Access, id), vec![statement], &format!("access entry {id}")).await
    }

    /// Adds a subject rule; answers its number.
    ///
    /// # Errors
    /// [`Error::Exists`] if a rule of this kind and pattern is in force.
    pub async fn add_subject(&self, new: NewSubject) -> Result<Id, Error> {
        let _one = self.begin_change().await?;
        let id = self.id().await?;
        let what = format!("the subject rule {} {:?}", new.kind, new.pattern);
        let statement = Statement::new(
            "INSERT INTO subject_rule (id, organisation, node, kind, pattern, reply_code, \
             reply_enhanced, reply_text, expires, valid_from) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                new.kind.into(),
                new.pattern.into(),
                i64::from(new.code).into(),
                new.enhanced.into(),
                new.text.into(),
                new.expires.map(|at| at.0).into(),
                self.now().into(),
            ],
        );
        self.add((Kind::Subject, id), vec![statement], &what, "").await?;
        Ok(id)
    }

    /// Ends a subject rule.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove_subject(&self, id: Id) -> Result<(), Error> {
        let _one = self.begin_change().await?;
        let statement = Statement::new(
            "UPDATE subject_rule SET valid_to = $2 WHERE id = $1 AND valid_to IS NULL",
            vec![id.into(), self.now().into()],
        );
        self.end((Kind::Subject, id), vec![statement], &format!("subject rule {id}")).await
    }

    /// Counts that these access entries or subject rules decided; rides a later commit.
    pub fn count_hits(&self, rules: &[Id]) {
        if rules.is_empty() {
            return;
        }
        let now = self.now();
        let hit = |rule: &Id| {
            Statement::new(
                "INSERT INTO rule_hit (rule, hits, last_at) VALUES ($1, 1, $2) \
                 ON CONFLICT (rule) DO UPDATE SET hits = rule_hit.hits + 1, last_at = $2",
                vec![(*rule).into(), now.into()],
            )
        };
        self.db.post(Write::new(rules.iter().map(hit).collect()));
    }
}

fn tagged(tag: &str, key: &str) -> String {
    if tag.is_empty() { key.to_owned() } else { format!("{tag}:{key}") }
}

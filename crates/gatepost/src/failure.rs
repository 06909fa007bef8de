//! What went wrong, on its way out: as text on standard error, or under `--json` as one object on
//! standard output, and as an exit code: 1 for a refusal or a fault, 2 for wrong usage.

use crate::output;
use serde::Serialize;
use std::fmt;
use std::process::ExitCode;

/// A command that was used wrongly, as found after its arguments were read.
#[derive(Debug)]
pub(crate) struct Usage {
    message: String,
    hint: Option<String>,
}

/// Says how a command was used wrongly.
pub(crate) fn usage(message: impl Into<String>) -> Usage {
    Usage { message: message.into(), hint: None }
}

impl Usage {
    /// Adds what to say instead.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Usage {}

/// An error as it is printed.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Failure {
    /// `usage`, `not_found`, `exists`, `refused`, `store` or `failed`.
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Failure {
    fn of(error: &anyhow::Error) -> Self {
        let (mut kind, mut hint) = ("failed", None);
        for cause in error.chain() {
            if let Some(usage) = cause.downcast_ref::<Usage>() {
                (kind, hint) = ("usage", usage.hint.clone());
            } else if let Some(error) = cause.downcast_ref::<admin::Error>() {
                kind = match error {
                    admin::Error::NotFound(_) => "not_found",
                    admin::Error::Exists(_) => "exists",
                    admin::Error::Refused(_) => "refused",
                    admin::Error::Invalid(_) => "usage",
                    admin::Error::Store(_) => "store",
                };
            }
        }
        Self { kind, message: format!("{error:#}"), hint }
    }

    /// What clap says: its first paragraph is the message, the usage behind it the hint.
    fn of_arguments(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
        let hint = rest.trim_end();
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self { kind: "usage", message: message.trim_end().to_owned(), hint }
    }

    fn code(&self) -> u8 {
        if self.kind == "usage" { 2 } else { 1 }
    }

    fn print(&self, json: bool) -> ExitCode {
        if json {
            // Standard output may be what failed: there is nobody to tell then.
            let _ = output::json_line(&serde_json::json!({ "error": self }));
        } else {
            output::complain(&self.message);
            if let Some(hint) = &self.hint {
                output::complain(&format!("hint: {hint}"));
            }
        }
        ExitCode::from(self.code())
    }
}

/// Prints why a command was not done.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    Failure::of(error).print(json)
}

/// Prints help where that was asked for, else what is wrong with the arguments.
pub(crate) fn arguments(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        return Failure::of_arguments(error).print(true);
    }
    // Whoever closed the other end does not want to read it.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::{Failure, usage};
    use anyhow::anyhow;

    #[test]
    fn the_exit_code_tells_usage_from_refusals() {
        let check = |error: anyhow::Error, kind, code| {
            let failure = Failure::of(&error);
            assert_eq!((failure.kind, failure.code()), (kind, code), "{failure:?}");
        };
        check(usage("so not").into(), "usage", 2);
        check(admin::Error::Invalid("(".to_owned()).into(), "usage", 2);
        check(admin::Error::NotFound("4711".to_owned()).into(), "not_found", 1);
        check(admin::Error::Refused("it has accounts".to_owned()).into(), "refused", 1);
        check(anyhow!("no such file").context("cannot read"), "failed", 1);
        check(anyhow::Error::new(usage("so not")).context("on the way"), "usage", 2);
    }

    #[test]
    fn an_error_in_json_has_message_and_hint() {
        let failure = Failure::of(&usage("no tag").hint("say From:").into());
        let json = serde_json::to_value(&failure).unwrap_or_default();
        let expected =
            serde_json::json!({ "kind": "usage", "message": "no tag", "hint": "say From:" });
        assert_eq!(json, expected);
    }
}

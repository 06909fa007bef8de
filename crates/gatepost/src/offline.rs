//! Settings and maps without a server: what is wrong with them.

use crate::cli::Global;
use crate::output;
use anyhow::Result;
use config::{Problem, Reading, Settings};
use net::tls::TlsError;
use std::path::Path;
use std::process::ExitCode;

/// Problems of settings and maps as one error, a line each.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn problems(problems: Vec<Problem>) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("the settings are wrong:\n{}", lines.join("\n"))
}

/// Settings and maps as `serve` and `reload` take them: with everything that is wrong with them.
pub(crate) fn read(path: &Path) -> Reading {
    let mut reading = Reading::new(path);
    let more = reading.settings.as_ref().map(refused_later).unwrap_or_default();
    reading.add(path, more);
    reading
}

/// What the files cannot say of themselves: it would be found out only once the server starts.
fn refused_later(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let (Some(certificate), Some(key)) = (&settings.tls.certificate, &settings.tls.key)
        && let Err(error) = net::ServerTls::load(certificate, key)
    {
        let setting = match &error {
            TlsError::File { file, .. } | TlsError::Content { file, .. } if file != key => {
                "tls.certificate"
            }
            _ => "tls.key",
        };
        problems.push(settings.problem_at(setting, error.to_string()));
    }
    if let Err(more) = filter::attachment::lists::read(&settings.attachment) {
        problems.extend(more);
    }
    for rule in &settings.subject.rules {
        if let Err(why) = filter::subject::rules::usable(rule.kind, &rule.pattern) {
            let message = format!("{}: {why}", rule.name);
            problems.push(settings.problem_at("subject.rules", message));
        }
    }
    problems
}

/// The user whom `serve` could not become; it finds that out by itself, before any peer comes in.
fn missing_user(settings: &Settings) -> Option<Problem> {
    let user = settings.server.user.trim();
    // Who is not root becomes nobody else; an empty name is told already.
    if !nix::unistd::geteuid().is_root() || user.is_empty() {
        return None;
    }
    let error = net::privileges::check_user(user).err()?;
    let hint = format!("adduser --system --group {user}");
    Some(settings.problem_at("server.user", error.to_string()).hint(Some(hint)))
}

/// `gatepost config check`
pub(crate) fn check(global: &Global) -> Result<ExitCode> {
    let mut reading = read(&global.config);
    let user = reading.settings.as_ref().and_then(missing_user);
    reading.add(&global.config, user);
    if global.json {
        output::json_line(&reading.problems)?;
    } else {
        for problem in &reading.problems {
            output::print(&problem.to_string())?;
        }
        if reading.problems.is_empty() {
            output::print("Settings and maps are right.")?;
        }
    }
    Ok(if reading.is_refused() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

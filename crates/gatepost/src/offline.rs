//! Commands that need no server and no store: they look at files and strings.

use crate::cli::Global;
use crate::output;
use anyhow::{Context, Result};
use config::Problem;
use mail::index::IndexBuilder;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

/// Bytes read at once: a message is never held whole.
const WINDOW: usize = 64 * 1024;

/// Problems of settings and maps as one error, a line each.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn problems(problems: Vec<Problem>) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("the settings are wrong:\n{}", lines.join("\n"))
}

/// `gatepost config check`
pub(crate) fn check(global: &Global) -> Result<ExitCode> {
    let (found, fine) = match config::load(&global.config) {
        Err(found) => (found, false),
        Ok(settings) => match config::load_maps(&settings) {
            Ok((_, warnings)) => (warnings, true),
            Err(found) => (found, false),
        },
    };
    if global.json {
        output::json_line(&found)?;
    } else {
        for problem in &found {
            output::print(&problem.to_string())?;
        }
        if found.is_empty() {
            output::print("Settings and maps are right.")?;
        }
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// `gatepost parse FILE`
pub(crate) fn parse(global: &Global, file: &Path) -> Result<ExitCode> {
    let mut input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file_opened = std::fs::File::open(file);
        Box::new(file_opened.with_context(|| format!("cannot read {}", file.display()))?)
    };
    let mut builder = IndexBuilder::new();
    let mut window = vec![0; WINDOW];
    loop {
        let n = input.read(&mut window)?;
        let Some(bytes) = window.get(..n).filter(|b| !b.is_empty()) else { break };
        builder.push(bytes);
    }
    let index = builder.finish();
    let view = index.view();
    if global.json {
        output::json_line(&view)?;
    } else {
        output::print(&serde_json::to_string_pretty(&view)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `gatepost parse-address STRING`
pub(crate) fn parse_address(global: &Global, text: &str) -> Result<ExitCode> {
    let (view, fine) = mail::address::view(text);
    if global.json {
        output::json_line(&view)?;
    } else {
        output::print(&serde_json::to_string_pretty(&view)?)?;
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

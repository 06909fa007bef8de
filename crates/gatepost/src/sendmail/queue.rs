//! `-bp` and `-q`: what waits of the caller's own, and trying it again.

use super::exit::{Exit, Failure};
use super::printed;
use super::session::{Answer, Questions};
use crate::output;
use std::path::Path;

/// Pages that are asked for; the server gives 200 entries each, and counts every question.
const PAGES_MAX: usize = 50;

/// Lists what waits.
pub(crate) async fn list(socket: &Path) -> Result<Exit, Failure> {
    let mut questions = Questions::open(socket).await?;
    let (mut after, mut listed) = (String::new(), 0);
    for _ in 0..PAGES_MAX {
        let answer = asked(&mut questions, format!("XQUEUE {after}").trim_end()).await?;
        let entries = answer.lines.get(1..).unwrap_or_default();
        let Some(last) = entries.last() else { break };
        for entry in entries {
            printed(output::print(&shown(entry)))?;
        }
        listed += entries.len();
        after = last.split(' ').next().unwrap_or_default().to_owned();
    }
    let end = if listed == 0 { "The queue is empty.".to_owned() } else { format!("-- {listed}") };
    printed(output::print(&end))?;
    questions.ask("QUIT").await?;
    Ok(Exit::Ok)
}

/// Has what waits tried again.
pub(crate) async fn flush(socket: &Path) -> Result<Exit, Failure> {
    let mut questions = Questions::open(socket).await?;
    let answer = asked(&mut questions, "XFLUSH").await?;
    printed(output::print(&answer.lines.join(" ")))?;
    questions.ask("QUIT").await?;
    Ok(Exit::Ok)
}

async fn asked(questions: &mut Questions, line: &str) -> Result<Answer, Failure> {
    let answer = questions.ask(line).await?;
    match answer.code {
        250 => Ok(answer),
        400..=499 => Err(Failure::new(Exit::TempFail, answer.text())),
        _ => Err(Failure::new(Exit::Unavailable, answer.text())),
    }
}

/// `NUMBER STATE SIZE TIME SENDER RECIPIENT WORDS` on lines for people.
fn shown(entry: &str) -> String {
    let mut words = entry.splitn(7, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (id, state, size, at, sender, recipient) = (next(), next(), next(), next(), next(), next());
    let mut text = format!("{id:>12}  {state:<8}  {size:>9}  {at}  {sender}\n{:14}{recipient}", "");
    let why = next();
    if !why.is_empty() {
        text.push_str(&format!("\n{:14}({why})", ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn entries_are_shown_with_why_they_wait() {
        let text = shown("4711 deferred 512 2026-11-24T18:45:15Z a@b.example c@d.example busy now");
        let expected = "        4711  deferred        512  2026-11-24T18:45:15Z  a@b.example\n\
                        \x20             c@d.example\n              (busy now)";
        assert_eq!(text, expected);
        assert!(!shown("1 waiting 2 3 a b").contains('('));
    }
}

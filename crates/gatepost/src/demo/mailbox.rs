//! A user's mailbox, read over POP3 with TLS as a mail program does.

use super::site::Site;
use super::talk::Talk;
use anyhow::{Context, Result, ensure};

/// Every message of a user, each as its lines.
pub(super) async fn read(site: &Site, user: usize) -> Result<Vec<Vec<String>>> {
    let person = site.users.get(user).context("no such user")?;
    let talk = Talk::connect(site.pop3s(), None).await?;
    let mut talk = talk.secure(&format!("mail.{}", site.domain()), &site.certificate).await?;
    talk.line().await?;
    talk.pop3(&format!("USER {}", person.address)).await?;
    let login = talk.pop3(&format!("PASS {}", person.password)).await?;
    ensure!(login.starts_with("+OK"), "the log-in was answered {login}");
    let status = talk.pop3("STAT").await?;
    let count = status.split(' ').nth(1).and_then(|count| count.parse().ok());
    let count: usize = count.with_context(|| format!("STAT was answered {status}"))?;
    let mut messages = Vec::new();
    for number in 1..=count {
        let answer = talk.pop3(&format!("RETR {number}")).await?;
        ensure!(answer.starts_with("+OK"), "RETR {number} was answered {answer}");
        messages.push(talk.lines().await?);
    }
    talk.pop3("QUIT").await?;
    Ok(messages)
}

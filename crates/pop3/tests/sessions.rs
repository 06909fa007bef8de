//! Whole sessions over real sockets, with a real store.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

#[expect(unreachable_pub, reason = "public for this test")]
mod site;

use mail::{Event, Reason};
use site::{PASSWORD, site};
use std::time::Duration;
use store::RemovedBy;

#[tokio::test]
async fn mail_is_listed_read_and_removed() {
    let site = site(10).await;
    let first = "Subject: one\r\n\r\n.\r\n..two\r\nthree\r\n";
    let second = "Subject: two\r\n\r\nline\r\nline\r\n";
    site.deliver(first.as_bytes()).await;
    site.deliver(second.as_bytes()).await;
    let mut anna = site.anna().await;
    let sizes = (first.len(), second.len());
    assert_eq!(anna.ask("STAT").await, format!("+OK 2 {}", sizes.0 + sizes.1));
    assert!(anna.ask("LIST").await.starts_with("+OK 2 messages"));
    assert_eq!(anna.rest_text().await, format!("1 {}\r\n2 {}\r\n", sizes.0, sizes.1));
    assert_eq!(anna.ask("RETR 1").await, format!("+OK {} octets", sizes.0));
    assert_eq!(anna.rest_text().await, first);
    assert!(anna.ask("TOP 2 1").await.starts_with("+OK"));
    assert_eq!(anna.rest_text().await, "Subject: two\r\n\r\nline\r\n");
    let unique = anna.ask("UIDL 2").await;
    assert!(anna.ask("DELE 1").await.starts_with("+OK"));
    assert_eq!(anna.ask("QUIT").await, "+OK Bye");
    assert_eq!(anna.line().await, "(closed)");

    site.deliver(b"Subject: three\r\n\r\n").await;
    let mut anna = site.anna().await;
    let id = unique.strip_prefix("+OK 2 ").unwrap();
    assert_eq!(anna.ask("UIDL 1").await, format!("+OK 1 {id}"), "the id stays, the number not");
    assert_eq!(anna.ask("RETR 1").await, format!("+OK {} octets", sizes.1));
    assert_eq!(anna.rest_text().await, second);
    assert_eq!(site.left().await, 2);
}

#[tokio::test]
async fn nothing_is_removed_without_quit() {
    let site = site(10).await;
    site.deliver(b"Subject: one\r\n\r\n").await;
    let mut anna = site.anna().await;
    assert!(anna.ask("DELE 1").await.starts_with("+OK"));
    drop(anna);
    while site.pop3.open_sessions() > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(site.left().await, 1);
    assert!(site.anna().await.ask("STAT").await.starts_with("+OK 1 "));
}

#[tokio::test]
async fn a_large_message_comes_whole() {
    let site = site(10).await;
    let mut content = b"Subject: large\r\n\r\n".to_vec();
    for n in 0..60_000 {
        content.extend_from_slice(format!(".{n} some text to fill the line\r\n").as_bytes());
    }
    site.deliver(&content).await;
    let mut anna = site.anna().await;
    assert_eq!(anna.ask("RETR 1").await, format!("+OK {} octets", content.len()));
    assert!(anna.rest().await == content);
    assert!(anna.ask("TOP 1 2").await.starts_with("+OK"));
    assert_eq!(anna.rest_text().await.lines().count(), 4);
    assert_eq!(anna.ask("NOOP").await, "+OK Nothing done");
}

#[tokio::test]
async fn stls_leads_to_tls_and_nothing_before_it_works() {
    let site = site(10).await;
    let mut client = site.silent(site.plain).await;
    assert_eq!(client.line_in_the_clear().await, "+OK mail.example.org POP3 ready");
    client.send_in_the_clear("USER anna@example.org\r\n").await;
    let refused = client.line_in_the_clear().await;
    assert_eq!(refused, "-ERR [SYS/PERM] Start TLS first (STLS)");
    client.send_in_the_clear("STLS\r\n").await;
    assert_eq!(client.line_in_the_clear().await, "+OK Begin TLS");
    let mut client = client.secure(site.folder.path()).await;
    assert!(client.ask("USER anna@example.org").await.starts_with("+OK"));
    assert_eq!(client.ask(&format!("PASS {PASSWORD}")).await, "+OK Logged in");
}

#[tokio::test]
async fn commands_behind_stls_end_the_session() {
    let site = site(10).await;
    let mut client = site.silent(site.plain).await;
    client.line_in_the_clear().await;
    client.send_in_the_clear("STLS\r\nUSER anna@example.org\r\n").await;
    assert_eq!(client.line_in_the_clear().await, "+OK Begin TLS");
    assert_eq!(client.line_in_the_clear().await, "(closed)");
    assert!(traced(&site, Reason::DataBeforeHandshake, Event::Command).await);
}

#[tokio::test]
async fn one_session_a_mailbox_until_it_is_ended() {
    let site = site(10).await;
    let mut first = site.anna().await;
    let mut second = site.client().await;
    second.ask("USER anna@example.org").await;
    let refused = second.ask(&format!("PASS {PASSWORD}")).await;
    assert!(refused.starts_with("-ERR [IN-USE] "), "{refused}");
    assert_eq!(site.pop3.end_sessions(site.anna, None), 1);
    assert_eq!(first.line().await, "(closed)", "ended at once, while it waited");
    while site.pop3.open_sessions() > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    second.ask("USER anna@example.org").await;
    assert_eq!(second.ask(&format!("PASS {PASSWORD}")).await, "+OK Logged in");
    assert_eq!(site.pop3.end_sessions(mail::AccountId(-1), None), 0);
}

#[tokio::test]
async fn a_disabled_account_reads_no_more() {
    let site = site(10).await;
    site.deliver(b"Subject: one\r\n\r\n").await;
    let mut anna = site.anna().await;
    site.store.disable_account(site.anna, true).await.unwrap();
    let refused = anna.ask("RETR 1").await;
    assert!(refused.starts_with("-ERR "), "{refused}");
    assert_eq!(anna.line().await, "(closed)");
    let mut anna = site.client().await;
    anna.ask("USER anna@example.org").await;
    assert!(anna.ask(&format!("PASS {PASSWORD}")).await.starts_with("-ERR [AUTH]"));
}

#[tokio::test]
async fn wrong_passwords_are_traced_and_end_the_session() {
    let site = site(10).await;
    let mut client = site.client().await;
    for name in ["anna@example.org", "nobody@example.org", "anna@example.org"] {
        client.ask(&format!("USER {name}")).await;
        let refused = client.ask("PASS guessed").await;
        assert_eq!(refused, "-ERR [AUTH] The name or the password is wrong", "{name}");
    }
    assert_eq!(client.line().await, "(closed)");
    assert!(traced(&site, Reason::BadCredentials, Event::Login).await);
    let mut anna = site.client().await;
    let initial = "AGFubmFAZXhhbXBsZS5vcmcAYSBnb29kIHBhc3N3b3Jk";
    assert_eq!(anna.ask(&format!("AUTH PLAIN {initial}")).await, "+OK Logged in");
}

#[tokio::test]
async fn over_the_limit_is_told_in_the_clear_and_not_under_tls() {
    let site = site(1).await;
    let mut first = site.client().await;
    let mut over = site.silent(site.plain).await;
    let refused = over.line_in_the_clear().await;
    assert_eq!(refused, "-ERR [SYS/TEMP] Too many connections, try again later");
    assert_eq!(over.line_in_the_clear().await, "(closed)");
    assert_eq!(site.silent(site.secure).await.line_in_the_clear().await, "(closed)");
    assert_eq!(first.ask("QUIT").await, "+OK Bye");
}

#[tokio::test]
async fn a_drain_ends_who_waits_and_lets_a_reader_finish() {
    let mut site = site(10).await;
    site.deliver(b"Subject: one\r\n\r\n").await;
    let mut anna = site.anna().await;
    let mut stranger = site.client().await;
    anna.ask("DELE 1").await;
    site.drain.start();
    let told = stranger.line().await;
    assert!(told.starts_with("-ERR [SYS/TEMP] The server is shutting down"), "{told}");
    assert_eq!(anna.ask("QUIT").await, "+OK Bye");
    while site.served.join_next().await.is_some() {}
    assert_eq!(site.left().await, 0);
}

#[tokio::test]
async fn a_message_removed_meanwhile_is_told_apart() {
    let site = site(10).await;
    site.deliver(b"Subject: one\r\n\r\n").await;
    site.deliver(b"Subject: two\r\n\r\n").await;
    let mut anna = site.anna().await;
    let entries = site.store.entries(site.inbox).await.unwrap();
    let first = entries.first().unwrap().id;
    site.store.remove(site.inbox, &[first], RemovedBy::Administrator).await.unwrap();
    assert_eq!(anna.ask("RETR 1").await, "-ERR The message is not there any more");
    assert!(anna.ask("RETR 2").await.starts_with("+OK"));
    assert_eq!(anna.rest_text().await, "Subject: two\r\n\r\n");
    anna.ask("DELE 1").await;
    anna.ask("DELE 2").await;
    assert_eq!(anna.ask("QUIT").await, "+OK Bye");
    assert_eq!(site.left().await, 0);
}

/// Whether the trace has such a row (it rides a commit: this waits a little).
async fn traced(site: &site::Site, reason: Reason, event: Event) -> bool {
    for _ in 0..200 {
        let page = site.store.trace_since(0).await.unwrap();
        if page.iter().any(|row| row.reason == reason && row.event == event) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

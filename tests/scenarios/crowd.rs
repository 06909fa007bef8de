//! Many at once, and some that dawdle.

use crate::server::Server;
use crate::talk::Talk;
use std::time::{Duration, Instant};

#[test]
fn an_honest_session_completes_beside_idle_and_slow_ones() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_settings(
        folder.path(),
        "[rate]\nconnections_per_minute_max = 100000\n[limits]\n\
         connections_per_address = 2000\nconnections_max = 2000\ngreeting_pause_ms = 100\n\
         command_timeout_secs = 5\ndata_rate_min_bytes = 100\n",
    );
    let before = server.memory_kib();
    let smtp = server.port("smtp");
    let mut idle: Vec<Talk> = (0..1000).map(|_| Talk::connect(smtp)).collect();
    for talk in &mut idle {
        assert!(talk.reply().starts_with("220 "));
    }
    let (anna, _) = server.user(0);
    let mut slow: Vec<Talk> = (0..200)
        .map(|_| {
            let mut talk = server.smtp();
            talk.say("EHLO slow.example");
            talk.say("MAIL FROM:<slow@elsewhere.example>");
            talk.say(&format!("RCPT TO:<{anna}>"));
            assert!(talk.say("DATA").starts_with("354"));
            talk
        })
        .collect();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(8) {
        for talk in &mut slow {
            talk.send(b"x");
        }
        std::thread::sleep(Duration::from_millis(900));
    }
    server.deliver("honest");
    let after = server.memory_kib();
    assert!(after < before + 64 * 1024, "{before} KiB grew to {after} KiB");
    // Every slow one was told so and cut.
    for talk in &mut slow {
        assert!(talk.line().starts_with("421"), "a slow one goes on");
    }
    // The idle ones are still there.
    for mut talk in idle {
        assert!(talk.say("NOOP").starts_with("250"));
    }
    assert_eq!(server.messages(), 1);
}

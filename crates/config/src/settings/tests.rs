#![expect(clippy::unwrap_used, reason = "tests")]

use super::Settings;
use std::path::Path;

fn read(text: &str) -> Result<Settings, Vec<String>> {
    let show = |problems: Vec<crate::Problem>| problems.iter().map(ToString::to_string).collect();
    Settings::from_str(text, Path::new("/etc/gatepost/gatepost.toml")).map_err(show)
}

const HOST: &str = "[server]\nhostname = \"mx.example.org\"\n";

#[test]
fn a_host_name_is_enough() {
    let settings = read(HOST).unwrap();
    assert_eq!(settings.server.hostname.as_str(), "mx.example.org");
    assert_eq!(settings.limits.message_size_max, 36_700_160);
    assert!(settings.relay.networks.is_empty());
}

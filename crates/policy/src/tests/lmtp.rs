//! Mail that another server of the site hands over.

use super::{peer, site, word};
use mail::{Decision, Door, Reason};

#[tokio::test]
async fn lmtp_is_for_named_networks_and_knows_no_rates() {
    let settings = "[lmtp]\nnetworks = [\"192.0.2.0/28\"]\n[rate]\nmessages_per_minute_max = 1\n\
                    connections_per_minute_max = 1\n[recipient]\nunknown_before_block = 1\n";
    let site = site(settings, &[], "").await;
    let peer = |ip| peer(Door::Lmtp, ip);
    let connect = |ip| word(&site.policy.snapshot().connection(&peer(ip)));
    for _ in 0..5 {
        assert_eq!(connect("192.0.2.1"), "allow");
        assert_eq!(site.sender(&peer("192.0.2.1"), "<carl@client.example>"), "allow");
        let unknown = site.ask(&peer("192.0.2.1"), "<nobody@ours.example>").await;
        let Decision::Refuse(refusal) = unknown else { panic!("{unknown:?}") };
        assert_eq!(refusal.reason, Reason::UnknownRecipient);
    }
    for ip in ["192.0.2.16", "127.0.0.1", "::1"] {
        assert_eq!(connect(ip), "refuse network_not_named lmtp.networks");
    }
}

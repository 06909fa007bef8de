//! Which network an address is counted under.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

/// The prefix of IPv6 that one customer gets: within it an address costs nothing.
const IPV6_PREFIX: u8 = 64;

/// The network that limits and budgets count `ip` under: the address itself for IPv4, its /64 for
/// IPv6. An IPv4 address inside IPv6 is taken as what it is.
pub fn network_key(ip: IpAddr) -> IpNet {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpNet::V4(Ipv4Net::from(ip)),
        IpAddr::V6(ip) => {
            let net = Ipv6Net::new(ip, IPV6_PREFIX).unwrap_or_else(|_| Ipv6Net::from(ip));
            IpNet::V6(net.trunc())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::network_key;

    fn check(ip: &str, expected: &str) {
        assert_eq!(network_key(ip.parse().unwrap()).to_string(), expected, "{ip}");
    }

    #[test]
    fn counts_ipv4_singly_and_ipv6_by_64() {
        check("192.0.2.7", "192.0.2.7/32");
        check("::ffff:192.0.2.7", "192.0.2.7/32");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
        check("2001:db8:1:2::", "2001:db8:1:2::/64");
        check("::1", "::/64");
    }
}

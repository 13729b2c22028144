//! Outgoing calls cannot be turned inward: private addresses are refused unless they are allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which private addresses may be reached. Public ones always may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    everything: bool,
    nets: Vec<(IpAddr, u8)>,
    hosts: Vec<String>,
}

impl Guard {
    /// Reads the entries of `[net] allow_private`: addresses, networks in CIDR form, host names,
    /// or `*`.
    pub fn parse(entries: &[String]) -> Result<Self, String> {
        let mut guard = Self::default();
        for entry in entries {
            let text = entry.trim();
            if text == "*" {
                guard.everything = true;
            } else if let Some((address, bits)) = text.split_once('/') {
                let address: IpAddr = address.parse().map_err(|_| unreadable(text))?;
                let most = if address.is_ipv4() { 32 } else { 128 };
                let bits: u8 = bits
                    .parse()
                    .ok()
                    .filter(|bits| *bits <= most)
                    .ok_or_else(|| unreadable(text))?;
                guard.nets.push((address, bits));
            } else if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
                guard
                    .nets
                    .push((address, if address.is_ipv4() { 32 } else { 128 }));
            } else if !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
            {
                guard.hosts.push(text.to_ascii_lowercase());
            } else {
                return Err(unreadable(text));
            }
        }
        Ok(guard)
    }

    /// Whether an address that a name led to may be connected to.
    pub fn admits(&self, host: &str, address: IpAddr) -> bool {
        let plain = unmapped(address);
        self.everything
            || is_public(plain)
            || self
                .hosts
                .iter()
                .any(|known| known.eq_ignore_ascii_case(host))
            || self
                .nets
                .iter()
                .any(|(net, bits)| within(plain, *net, *bits))
    }

    /// Whether a literal host in a parsed address may be connected to; names are checked when they
    /// are resolved.
    pub fn admits_url(&self, url: &url::Url) -> bool {
        match url.host() {
            Some(url::Host::Ipv4(address)) => self.admits("", IpAddr::V4(address)),
            Some(url::Host::Ipv6(address)) => self.admits("", IpAddr::V6(address)),
            Some(url::Host::Domain(name)) => !name.is_empty(),
            None => false,
        }
    }

    /// Whether a name may be handed to a proxy, which resolves it where we cannot see the address:
    /// names that by rule or custom lead inward are refused unless they are allowed.
    pub fn admits_name(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.everything || self.hosts.contains(&host) || !is_inward_name(&host)
    }

    /// Addresses of cloud metadata services hand out credentials: never for anybody.
    pub fn is_metadata(address: IpAddr) -> bool {
        match unmapped(address) {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => (v6.segments()[0] & 0xffc0) == 0xfe80,
        }
    }
}

/// Endings of names that no public name server answers: RFC 6761, RFC 6762, RFC 8375, ICANN's
/// `.internal`, and what routers and companies made of them.
const INWARD: &[&str] = &[
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
];

/// A name without a dot is one of the own network: public ones have at least one.
fn is_inward_name(host: &str) -> bool {
    let ends_in = |end: &&str| {
        host.strip_suffix(*end)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    !host.contains('.') || INWARD.iter().any(ends_in)
}

fn unreadable(text: &str) -> String {
    format!(
        "[net] allow_private: `{text}` is neither an address, a network such as 10.0.0.0/8, nor a host"
    )
}

/// Embedded IPv4 addresses are judged as what they reach.
fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let parts = v6.segments();
    let low = Ipv4Addr::from((u32::from(parts[6]) << 16) | u32::from(parts[7]));
    let mapped =
        parts[..5] == [0; 5] && (parts[5] == 0xffff || (parts[5] == 0 && low.octets()[0] != 0));
    let nat64 = parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let six_to_four = parts[0] == 0x2002;
    if mapped || nat64 {
        IpAddr::V4(low)
    } else if six_to_four {
        IpAddr::V4(Ipv4Addr::from(
            (u32::from(parts[1]) << 16) | u32::from(parts[2]),
        ))
    } else {
        address
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let first = v6.segments()[0];
    let global = (first & 0xe000) == 0x2000;
    let documentation = first == 0x2001 && v6.segments()[1] == 0x0db8;
    let teredo = first == 0x2001 && v6.segments()[1] == 0;
    global && !documentation && !teredo
}

fn within(address: IpAddr, net: IpAddr, bits: u8) -> bool {
    match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) => {
            let shift = 32 - u32::from(bits);
            bits == 0 || u32::from(address) >> shift == u32::from(net) >> shift
        }
        (IpAddr::V6(address), IpAddr::V6(net)) => {
            let shift = 128 - u32::from(bits);
            bits == 0 || u128::from(address) >> shift == u128::from(net) >> shift
        }
        _ => false,
    }
}

//! Addresses, which are kept whole (spaCy's `URL_MATCH`).

use super::characters::is_lower;

/// Whether the whole text is an address: `www.imdb.com`, `john.doe@example.com`, `end.but`.
///
/// An optional scheme, an optional user, host names and a top-level domain of small letters or a
/// public numeric address, an optional port and path.
pub(super) fn is_url(text: &str) -> bool {
    // Most words have no period, or none inside.
    if !text.as_bytes().contains(&b'.') {
        return false;
    }
    let text = text.split_once("://").map_or(text, |(scheme, rest)| {
        if scheme.chars().count() >= 2 && scheme.chars().all(is_scheme) {
            rest
        } else {
            text
        }
    });
    // The user may be any text at all, another address included, but there must be one.
    let behind_user = text.match_indices('@').filter(|(at, _)| *at > 0);
    let places = behind_user.map(|(at, _)| &text[at + 1..]);
    std::iter::once(text).chain(places).any(is_place)
}

/// Host names with a domain or a numeric address, and an optional port and path.
fn is_place(text: &str) -> bool {
    let (host, path) = match text.find(['/', '?', '#', '@']) {
        Some(at) if text[at..].starts_with('@') => return false,
        Some(at) => (&text[..at], true),
        None => (text, false),
    };
    let host = match host.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        Some(_) if path => return false,
        _ => host,
    };
    let Some((names, domain)) = host.rsplit_once('.') else {
        return false;
    };
    (is_domain(domain) && names.split('.').all(is_name)) || is_numeric(host)
}

fn is_scheme(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '+' | '-' | '.')
}

fn is_port(port: &str) -> bool {
    (2..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit())
}

fn is_domain(domain: &str) -> bool {
    domain.chars().all(is_lower) && (2..=63).contains(&domain.chars().count())
}

/// A host name of 1 to 64 characters that neither begins nor ends with `-` or `_`.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ('\u{a1}'..='\u{ffff}').contains(&c);
    name.starts_with(plain)
        && name.ends_with(plain)
        && name.chars().all(|c| plain(c) || matches!(c, '-' | '_'))
        && name.chars().count() <= 64
}

/// Four numbers of an address that is neither private nor reserved. Those in the middle may begin
/// with a zero.
fn is_numeric(host: &str) -> bool {
    let number = |part: &str| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let number = part.parse::<u8>().ok().filter(|_| digits)?;
        let zero = part.starts_with('0');
        (part.len() < 3 || !zero).then_some((number, zero))
    };
    let mut parts = host.split('.').map(number);
    let mut next = || parts.next().flatten();
    let (Some(first), Some(second), Some(_), Some(last), None) =
        (next(), next(), next(), next(), parts.next())
    else {
        return false;
    };
    let is_private = matches!(
        (first.0, second.0),
        (10 | 127, _) | (169, 254) | (192, 168) | (172, 16..=31)
    );
    let ends_well = !first.1 && !last.1 && first.0 <= 223 && last.0 <= 254;
    ends_well && !is_private
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for address in [
            "www.imdb.com",
            "end.but",
            "john.doe@example.com",
            "http://a.bc/d?e#f",
            "a-b.cd:8080",
            "a.b.cd/x",
            "x:y@b.cd",
            "mailto:john@example.com",
            "naïve.com",
            "a?b@c.de",
            "a.bc/@x",
            "a@b@c.de",
            "a-b@93.184.216.34",
            "8.08.00.8:80?a=b",
        ] {
            assert!(is_url(address), "{address}");
        }
        let host = |length| "a".repeat(length) + ".bc";
        assert!(is_url(&host(64)) && !is_url(&host(65)));
        for other in [
            "",
            "word",
            "a.b",
            "a.Bc",
            "-a.bc",
            "a..bc",
            ".com",
            "@b.cd",
            "a.bc:1",
            "3.5",
            "a_.bc",
            "a.b1",
            "a.b-c",
            "u.s.a",
            "1.2.3",
            "1.2.3.4.5",
            "0.2.3.4",
            "224.2.3.4",
            "1.2.3.255",
            "1.2.3.04",
            "1.256.3.4",
            "1.002.3.4",
            "10.2.3.4",
            "172.20.3.4",
            "1.+2.3.4",
        ] {
            assert!(!is_url(other), "{other}");
        }
    }
}

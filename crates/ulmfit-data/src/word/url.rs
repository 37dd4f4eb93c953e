//! Addresses, which are kept whole (spaCy's `URL_MATCH`).

use super::characters::is_lower;

/// Whether the whole text is an address: `www.imdb.com`, `john.doe@example.com`, `end.but`.
///
/// An optional scheme, an optional user, host names, a top-level domain of small letters, an
/// optional port and path. Numeric addresses need no rule: nothing would cut them.
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

/// Host names, a domain, and an optional port and path.
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
    is_domain(domain) && names.split('.').all(is_name)
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
        && name.chars().count() <= 65
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
        ] {
            assert!(is_url(address), "{address}");
        }
        for other in [
            "", "word", "a.b", "a.Bc", "-a.bc", "a..bc", ".com", "@b.cd", "a.bc:1", "3.5", "a_.bc",
            "a.b1", "a.b-c", "u.s.a",
        ] {
            assert!(!is_url(other), "{other}");
        }
    }
}

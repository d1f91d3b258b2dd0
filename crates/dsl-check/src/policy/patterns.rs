//! What patterns cover: names of capabilities, hosts, paths.
//!
//! Of paths both sides may be patterns, and the question is whether one holds everything that the other may mean. The answer is
//! sound: a *yes* is true. It may be a *no* where two wildcards in one part of a path overlap in a way that only a closer look
//! would show. Absent: the disk; `..` is taken out by name.

/// `web.*`, `*`, or the name itself.
pub(super) fn covers_name(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(stem) => name.len() > stem.len() && name.starts_with(stem),
        None => pattern == name,
    }
}

/// `*`, `*.example.com` (hosts below it, at any depth), `example.com`; a pattern without a port covers all of them.
pub(super) fn covers_host(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_lowercase(), host.to_lowercase());
    let (pattern, port) = split_port(&pattern);
    let (host, host_port) = split_port(&host);
    if port.is_some_and(|port| port != "*" && host_port != Some(port)) {
        return false;
    }
    let (pattern, host) = (pattern.trim_end_matches('.'), host.trim_end_matches('.'));
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(rest) => host.len() > rest.len() && host.ends_with(rest),
        None => pattern == host,
    }
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && !name.is_empty() => (name, Some(port)),
        _ => (host, None),
    }
}

/// Whether a pattern of paths holds everything that another may mean; a folder holds what is below it.
pub(super) fn covers_path(pattern: &str, path: &str) -> bool {
    let (Some(pattern), Some(path)) = (Parts::new(pattern), Parts::new(path)) else {
        return false;
    };
    pattern.absolute == path.absolute && covers_parts(&pattern.parts, &path.parts)
}

/// The folder in front of a path that is relative to it.
pub(super) fn joined(folder: &str, path: &str) -> String {
    if path.starts_with('/') || path.starts_with('~') || folder.is_empty() {
        path.to_owned()
    } else {
        format!("{}/{path}", folder.trim_end_matches('/'))
    }
}

/// A path without `.` and `..`, part by part.
struct Parts<'a> {
    absolute: bool,
    parts: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// `None`: it leaves the folder that it is relative to, or goes up behind a wildcard.
    fn new(path: &'a str) -> Option<Self> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    let above = parts.pop()?;
                    if above.contains(['*', '?', '[', '{']) {
                        return None;
                    }
                }
                part => parts.push(part),
            }
        }
        Some(Self {
            absolute: path.starts_with('/'),
            parts,
        })
    }
}

/// Dynamic programming over the parts of both: `covered[t]` of a row says whether the pattern's parts so far cover the
/// first `t`.
fn covers_parts(pattern: &[&str], path: &[&str]) -> bool {
    // a folder holds what is below it, on both sides
    let open = |parts: &[&str]| parts.last() == Some(&"**");
    let mut pattern = pattern.to_vec();
    if !open(&pattern) {
        pattern.push("**");
    }
    let mut covered = vec![false; path.len() + 1];
    covered[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            next[at] = if part == "**" {
                covered[at] || (at > 0 && next[at - 1])
            } else {
                at > 0 && covered[at - 1] && covers_part(part, path[at - 1])
            };
        }
        covered = next;
    }
    covered[path.len()]
}

/// One part of a path, with `*` and `?` in it.
fn covers_part(pattern: &str, part: &str) -> bool {
    if pattern == part || (pattern == "*" && part != "**") {
        return true;
    }
    let wild = |text: &str| text.contains(['*', '?', '[', '{']);
    if part == "**" || !wild(pattern) {
        return false;
    }
    if !wild(part) {
        let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build();
        return glob.is_ok_and(|glob| glob.compile_matcher().is_match(part));
    }
    // two patterns: what stands before and behind one `*` holds more than what begins and ends with the same
    match pattern.split_once('*') {
        Some((head, tail)) if !wild(head) && !wild(tail) => {
            let fixed = |text: &str| text.len();
            part.starts_with(head) && part.ends_with(tail) && fixed(head) + fixed(tail) <= literal_len(part)
        }
        _ => false,
    }
}

/// How many characters of a pattern stand for themselves.
fn literal_len(pattern: &str) -> usize {
    if pattern.contains(['[', '{']) {
        return 0;
    }
    pattern
        .chars()
        .filter(|c| !matches!(c, '*' | '?'))
        .map(char::len_utf8)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_names_covers_what_is_below_it() {
        assert!(covers_name("web.*", "web.search"));
        assert!(covers_name("*", "shell"));
        assert!(covers_name("git.push", "git.push"));
        assert!(!covers_name("web.*", "web"));
        assert!(!covers_name("web.*", "webhook.send"));
    }

    #[test]
    fn a_wildcard_host_covers_hosts_below_it_and_not_itself() {
        assert!(covers_host("*.ietf.org", "datatracker.ietf.org"));
        assert!(covers_host("*.ietf.org", "a.b.IETF.org."));
        assert!(covers_host("*.org", "*.ietf.org"));
        assert!(!covers_host("*.ietf.org", "ietf.org"));
        assert!(!covers_host("*.ietf.org", "notietf.org"));
        assert!(!covers_host("api.github.com", "*"));
    }

    #[test]
    fn a_port_is_compared_where_the_pattern_names_one() {
        assert!(covers_host("db.internal", "db.internal:5432"));
        assert!(covers_host("db.internal:5432", "db.internal:5432"));
        assert!(!covers_host("db.internal:5432", "db.internal:80"));
        assert!(!covers_host("db.internal:5432", "db.internal"));
    }

    #[test]
    fn a_folder_covers_what_is_below_it() {
        assert!(covers_path("out", "out/a/b.txt"));
        assert!(covers_path("out/**", "out"));
        assert!(covers_path("out/**", "./out/./a/../b"));
        assert!(covers_path("**", "src/**"));
        assert!(!covers_path("out/**", "output/a"));
        assert!(!covers_path("out/**", "**"));
    }

    #[test]
    fn a_pattern_covers_narrower_patterns() {
        assert!(covers_path("src/**/*.rs", "src/a/b/*.rs"));
        assert!(covers_path("src/*.rs", "src/lib*.rs"));
        assert!(covers_path("out/*", "out/logs/**"));
        assert!(!covers_path("src/**/*.rs", "src/**"));
        assert!(!covers_path("src/lib*.rs", "src/*.rs"));
        assert!(!covers_path("a*a", "a*"));
    }

    #[test]
    fn what_leaves_the_folder_is_covered_by_nothing() {
        assert!(!covers_path("**", "../secrets"));
        assert!(!covers_path("out/**", "out/../../etc"));
        assert!(!covers_path("**", "/etc/passwd"));
        assert!(!covers_path("/srv/**", "srv/x"));
        assert!(covers_path("/srv/**", "/srv/app/x"));
    }
}

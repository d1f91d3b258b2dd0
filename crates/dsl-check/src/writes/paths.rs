//! Patterns of paths, and whether two of them have a path in common.
//!
//! `*` and `?` stay within a part, `**` is any number of parts, and a pattern covers what is below it, unless it is
//! compared with a wildcard and ends with the name of a file, which has no files below it. Whether two patterns with `[…]` or `{…}` meet is not looked into. Linear in the product of their lengths. Absent: the disk.

use super::said::Base;

/// A pattern behind what it is relative to. Each part ends with [`END`], so that a beginning is a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern {
    text: String,
    /// How much of it, in whole parts, holds no wildcard.
    head: usize,
}

const END: char = '\0';

const WILD: [char; 4] = ['*', '?', '[', '{'];

impl Pattern {
    /// `None`: it leads out of the folder that it is relative to.
    pub fn new(base: &Base, path: &str) -> Option<Self> {
        let mut text = String::with_capacity(path.len() + 16);
        let mut folder = "";
        if path.starts_with('/') {
            text.push('/');
        } else if path.starts_with('~') {
            text.push('~');
        } else {
            match base {
                Base::Run => text.push_str(":run"),
                Base::Start => text.push_str(":start"),
                Base::Same(written) => {
                    text.push(':');
                    text.push_str(written);
                }
                Base::Dir(dir) => {
                    text.push_str(if dir.starts_with('/') { "/" } else { ":start" });
                    folder = dir;
                }
            }
        }
        text.push(END);
        let root = text.len();
        let mut head = None;
        for part in folder.split('/').chain(path.trim_start_matches('~').split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    let above = text[root..]
                        .trim_end_matches(END)
                        .rfind(END)
                        .map_or(root, |end| root + end + 1);
                    if text.len() == root || head.is_some_and(|head| head >= above) {
                        return None;
                    }
                    text.truncate(above);
                }
                part => {
                    if head.is_none() && part.contains(WILD) {
                        head = Some(text.len());
                    }
                    text.push_str(part);
                    text.push(END);
                }
            }
        }
        let head = head.unwrap_or(text.len());
        Some(Self { text, head })
    }

    /// Of a key of the plan's memory.
    pub fn memory(key: &str) -> Self {
        let text = format!(":memory{END}{key}{END}");
        Self { head: text.len(), text }
    }

    /// The folders and the name that stand for themselves.
    pub fn head(&self) -> &str {
        &self.text[..self.head]
    }

    /// Whether the other's head is the beginning of this one's.
    pub fn is_below(&self, other: &Self) -> bool {
        self.head().starts_with(other.head())
    }

    /// For sorting: heads together, equal patterns in a row.
    pub fn key(&self) -> (&str, &str) {
        (self.head(), &self.text[self.head..])
    }

    /// Whether it is one file, as far as its name tells: a fan-out that writes it writes it several times.
    pub fn is_file(&self) -> bool {
        let last = self.parts().last().is_some_and(|last| last.contains('.'));
        self.head == self.text.len() && last
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.text.split_terminator(END)
    }

    fn has_wildcards(&self) -> bool {
        self.head < self.text.len()
    }

    /// `files`: nothing is below what is named like a file.
    fn with_all_below(&self, files: bool) -> Vec<&str> {
        let mut parts: Vec<&str> = self.parts().collect();
        let covers = |last: &&str| *last != "**" && !(files && names_file(last));
        if parts.last().is_none_or(covers) {
            parts.push("**");
        }
        parts
    }

    /// Whether some path is covered by both.
    pub fn meets(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        let files = self.has_wildcards() || other.has_wildcards();
        common(
            &self.with_all_below(files),
            &other.with_all_below(files),
            &|part| *part == "**",
            &|a, b| parts_meet(a, b),
        )
    }
}

/// Whether it ends as files do: `c.txt`, `*.md`, but not `.git` and `v1.2`.
fn names_file(part: &str) -> bool {
    let is_letter = |c: char| c.is_alphabetic() || c == '*';
    part.rsplit_once('.')
        .is_some_and(|(name, ending)| !name.is_empty() && ending.contains(is_letter))
}

fn parts_meet(a: &str, b: &str) -> bool {
    let unclear = |part: &str| part.contains(['[', '{']);
    if a == b || a == "*" || b == "*" {
        return true;
    }
    if unclear(a) || unclear(b) || (!a.contains(WILD) && !b.contains(WILD)) {
        return false;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    common(&a, &b, &|letter| *letter == '*', &|a, b| {
        a == b || *a == '?' || *b == '?'
    })
}

/// Whether two sequences with wildcards that stand for any number of items have one in common.
fn common<T>(a: &[T], b: &[T], wild: &dyn Fn(&T) -> bool, meet: &dyn Fn(&T, &T) -> bool) -> bool {
    // `row[j]`: the first items of `a` and the first `j` of `b` have a beginning in common
    let mut row = vec![false; b.len() + 1];
    row[0] = true;
    for j in 0..b.len() {
        row[j + 1] = row[j] && wild(&b[j]);
    }
    for item in a {
        let mut next = vec![false; b.len() + 1];
        next[0] = row[0] && wild(item);
        for j in 0..b.len() {
            next[j + 1] = if wild(item) || wild(&b[j]) {
                row[j + 1] || next[j]
            } else {
                row[j] && meet(item, &b[j])
            };
        }
        row = next;
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(a: &str, b: &str) -> bool {
        let pattern = |path: &str| Pattern::new(&Base::Run, path).unwrap();
        let (a, b) = (pattern(a), pattern(b));
        assert_eq!(a.meets(&b), b.meets(&a));
        a.meets(&b)
    }

    #[test]
    fn a_path_meets_itself_and_what_covers_it() {
        assert!(meet("out/a.md", "out/./a.md"));
        assert!(meet("out", "out/a.md"));
        assert!(meet("out/**", "out/x/y.md"));
        assert!(meet(".", "anything"));
        assert!(!meet("out", "output"));
        assert!(!meet("out/a.md", "out/b.md"));
    }

    #[test]
    fn two_patterns_meet_where_one_path_is_both() {
        assert!(meet("out/*.md", "out/report*"));
        assert!(meet("**/*.log", "out/**"));
        assert!(meet("a/?.txt", "a/b.txt"));
        assert!(!meet("out/*.md", "out/*.txt"));
        assert!(!meet("src/**", "out/**"));
        assert!(!meet("a/?.txt", "a/bb.txt"));
    }

    #[test]
    fn a_file_has_no_files_below_it() {
        assert!(!meet("log/**/*.md", "log/c.txt"));
        assert!(!meet("log/*.md", "log/**/*.txt"));
        assert!(meet("log/**/*.md", "log/c.md"));
        assert!(meet("log/**/*.md", "log/c"));
        assert!(meet("log/**", "log/c.txt"));
        assert!(meet("log/**/*.md", "log/v1.2"));
        assert!(meet(".cache/**/*.md", ".cache"));
        assert!(meet("app.d", "app.d/a.txt"));
    }

    #[test]
    fn alternatives_are_not_looked_into() {
        assert!(!meet("out/{a,b}.md", "out/a.md"));
        assert!(meet("out/{a,b}.md", "out/{a,b}.md"));
        assert!(meet("out/[ab].md", "out/*"));
    }

    #[test]
    fn folders_of_different_places_do_not_meet() {
        let pattern = |base: Base, path: &str| Pattern::new(&base, path);
        let dir = |dir: &str| Base::Dir(dir.into());
        let same = |a: Option<Pattern>, b: Option<Pattern>| a.unwrap().meets(&b.unwrap());
        assert!(same(pattern(dir("src"), "../out/a"), pattern(Base::Start, "out/a")));
        assert!(same(pattern(dir("src"), "/srv/a"), pattern(dir("/srv"), "a")));
        assert!(!same(pattern(Base::Run, "out/a"), pattern(Base::Start, "out/a")));
        assert!(pattern(Base::Run, "../a").is_none());
        assert!(pattern(Base::Run, "*/../a").is_none());
        assert!(pattern(Base::Run, "a/../../b").is_none());
        assert!(same(pattern(Base::Run, "a/b/../../c"), pattern(Base::Run, "c")));
    }
}

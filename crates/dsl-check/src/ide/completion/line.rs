//! What a line says before the cursor: its last word, the brackets that are open, what is being compared or piped.
//!
//! Text alone, so it works while the line is broken. Absent: what anything means.

/// What of a word stands before the cursor.
pub(in crate::ide) fn trailing_word(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let word = &text[text.trim_end_matches(is_part).len()..];
    word.trim_start_matches('-')
}

pub(in crate::ide) fn is_word(text: &str) -> bool {
    trailing_word(text).len() == text.len()
}

pub(in crate::ide) fn is_path(text: &str) -> bool {
    text.split('.').all(is_word)
}

/// The dotted path with which a text ends: `a.b` of `x + a.b`.
pub(in crate::ide) fn path_at_end(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text[text.trim_end_matches(is_part).len()..].trim_start_matches(['-', '.'])
}

/// How many bytes of a text still belong to a word that ends before it.
pub(in crate::ide) fn leading_part(text: &str, with_dots: bool) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-') || with_dots && c == '.';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['-', '.']).len()
}

/// With what the lines begin that stand beside the one of the cursor, in the same lines of a clause.
pub(in crate::ide) fn beside<'t>(before: &'t str, after: &'t str) -> Vec<&'t str> {
    let (above, line) = before.rsplit_once('\n').unwrap_or(("", before));
    let indent = indent_of(line);
    let key = |line: &&'t str| {
        let text = line.trim_start();
        (indent_of(line) == indent).then(|| text.split([':', ' ']).next().unwrap_or_default())
    };
    let is_inside = |line: &&str| line.trim().is_empty() || indent_of(line) >= indent;
    let above = above.lines().rev().take_while(is_inside);
    let below = after.lines().skip(1).take_while(is_inside);
    above
        .chain(below)
        .filter_map(|line| key(&line))
        .filter(|key| !key.is_empty())
        .collect()
}

pub(in crate::ide) fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// An odd number of quotes opens a string.
pub(in crate::ide) fn in_string(line: &str) -> bool {
    line.replace("\\\"", "").matches('"').count() % 2 == 1
}

/// One level of brackets of an expression that is still being written.
#[derive(Clone, Copy, Debug)]
pub(in crate::ide) struct Level<'t> {
    text: &'t str,
    /// Of the bracket that opened it.
    open: Option<usize>,
    /// Where the part began that is being written.
    start: usize,
    /// The part before it, and what stands between the two.
    before: Option<(usize, usize, &'static str)>,
    first_comma: Option<usize>,
    /// How many arguments are complete.
    commas: usize,
    /// The start of the name of the argument that is being written, and the colon behind it.
    named: Option<(usize, usize)>,
}

impl<'t> Level<'t> {
    fn new(text: &'t str, open: Option<usize>) -> Self {
        Self {
            text,
            open,
            start: open.map_or(0, |open| open + 1),
            before: None,
            first_comma: None,
            commas: 0,
            named: None,
        }
    }

    fn end(&mut self, at: usize, by: &'static str) {
        match by {
            "," => {
                self.first_comma.get_or_insert(at);
                self.commas += 1;
                self.named = None;
            }
            ":" if is_word(self.text[self.start.min(at)..at].trim()) => self.named = Some((self.start, at)),
            _ => {}
        }
        self.before = Some((self.start, at, by));
        self.start = at + by.len();
    }

    pub fn bracket(&self) -> Option<char> {
        self.text[self.open?..].chars().next()
    }

    /// What is called, if the bracket is that of a call.
    pub fn called(&self) -> Option<&'t str> {
        let head = &self.text[..self.open.filter(|_| self.bracket() == Some('('))?];
        Some(path_at_end(head)).filter(|name| !name.is_empty())
    }

    /// What is piped into the call.
    fn piped<'a>(&self, outer: &Level<'a>) -> Option<&'a str> {
        let head = outer.text.get(outer.start..self.open? - self.called()?.len())?;
        head.trim_end().strip_suffix('|')
    }

    /// The first argument of the call, be it piped or not.
    pub fn first_argument(&self, outer: &Level<'t>) -> Option<&'t str> {
        let written = || self.text.get(self.open? + 1..self.first_comma?);
        self.piped(outer).or_else(written)
    }

    /// What has been written of the bracket's inside.
    pub fn inside(&self) -> &'t str {
        self.text
            .get(self.open.map_or(0, |open| open + 1)..)
            .unwrap_or_default()
    }

    /// How many arguments are complete.
    pub fn arguments(&self) -> usize {
        self.commas
    }

    /// The argument that is being written, if it has a name: `query`, and what follows the colon.
    pub fn named_part(&self) -> Option<(&'t str, &'t str)> {
        let (start, colon) = self.named?;
        Some((self.text.get(start..colon)?.trim(), self.text.get(colon + 1..)?))
    }

    /// The part that is being written.
    pub fn part(&self) -> &'t str {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// Whether the part is the first, or stands in for the first.
    pub fn is_first(&self) -> bool {
        matches!(self.before, None | Some((_, _, "??" | " else ")))
    }

    /// Whether the part is the list that something is looked for in.
    pub fn is_of_list(&self) -> bool {
        matches!(self.before, Some((_, _, " in ")))
    }

    /// What the part is compared with.
    pub fn compared(&self) -> Option<&'t str> {
        let (start, end, by) = self.before?;
        let is_comparison = matches!(by, "==" | "!=" | "<=" | ">=" | "<" | ">" | " in ");
        self.text.get(start..end).filter(|_| is_comparison)
    }
}

/// What ends a part: the longer ones first.
const ENDS: &[&str] = &[
    "==", "!=", "<=", ">=", "->", "??", " and ", " or ", " not ", " in ", " if ", " else ", " when ", " where ",
    " is ", "<", ">", ",", ":", "=",
];

/// The brackets that are open at the end of an expression, outer first; the first level is the expression itself.
pub(in crate::ide) fn levels(text: &str) -> Vec<Level<'_>> {
    let mut levels = vec![Level::new(text, None)];
    let mut at = 0;
    let mut quoted = false;
    while let Some(char) = text[at..].chars().next() {
        let width = char.len_utf8();
        match char {
            '\\' if quoted => {
                at += width + text[at + width..].chars().next().map_or(0, char::len_utf8);
                continue;
            }
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => levels.push(Level::new(text, Some(at))),
            ')' | ']' | '}' if levels.len() > 1 => drop(levels.pop()),
            _ => {
                let end = ENDS.iter().find(|end| text[at..].starts_with(**end));
                if let (Some(end), Some(level)) = (end, levels.last_mut()) {
                    level.end(at, end);
                    // a space may end one part and begin the next end: ` and not `
                    at += end.trim_end().len().max(1);
                    continue;
                }
            }
        }
        at += width;
    }
    levels
}

/// The operand with which an expression ends: `first(collect.items)` of `1 + first(collect.items)`.
pub(in crate::ide) fn operand_at_end(text: &str) -> &str {
    let mut pairs = Vec::new();
    let mut open = Vec::new();
    let mut quoted = false;
    for (at, char) in text.char_indices() {
        match char {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => open.push(at),
            ')' | ']' | '}' => pairs.extend(open.pop().map(|open| (open, at + 1))),
            _ => {}
        }
    }
    let mut start = text.len();
    loop {
        let head = &text[..start];
        let path = path_at_end(head);
        // a dot before the path belongs to what stands before it
        let from = head.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        match pairs.iter().find(|(_, end)| *end == from.len() && *end > 0) {
            Some((open, _)) if from.len() == head.len() || head[from.len()..].starts_with('.') => start = *open,
            _ => return &text[start - path.len()..],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{levels, operand_at_end};

    #[test]
    fn an_operand_is_all_that_a_dot_is_about() {
        assert_eq!(operand_at_end("1 + first(a.b, c)"), "first(a.b, c)");
        assert_eq!(operand_at_end("x == a.items[0].best"), "a.items[0].best");
        assert_eq!(operand_at_end("(a ?? b)"), "(a ?? b)");
        assert_eq!(operand_at_end("not check-db"), "check-db");
        assert_eq!(operand_at_end("a + "), "");
    }

    #[test]
    fn what_is_compared_is_found_inside_of_brackets() {
        let compared = |text| levels(text).last().and_then(|level| level.compared()).map(str::trim);
        assert_eq!(compared("a and params.depth == "), Some("params.depth"));
        assert_eq!(compared("any(xs, it.kind != we"), Some("it.kind"));
        assert_eq!(compared("a == b and "), None);
    }

    #[test]
    fn the_first_argument_may_be_piped() {
        let first = |text| {
            let levels = levels(text);
            let [.., outer, inner] = levels.as_slice() else {
                return None;
            };
            inner.first_argument(outer).map(str::trim)
        };
        assert_eq!(first("a > 1 and collect.items | where(.sc"), Some("collect.items"));
        assert_eq!(first("where(collect.items, it."), Some("collect.items"));
        assert_eq!(first("where("), None);
    }
}

//! Text damaged in the ways that people, editors and version control damage it, and in a few worse ones.

use crate::random::Random;

/// What is put in: words of the language, the tokens that open and close, characters that take more than a byte.
const PIECES: &[&str] = &[
    "task ",
    "plan p\n",
    "  gate g\n",
    "type T\n",
    "policy p\n",
    "profile a of b\n",
    "test \"t\" of b\n",
    "use ",
    "  needs: ",
    "  run: |\n",
    "    echo {{ x }}\n",
    "  when: ",
    "  on ",
    " -> ",
    "  expect:\n",
    "    - ",
    "a",
    "b.c",
    "role/x",
    " if ",
    " else ",
    "\"",
    "{{",
    "}}",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ": ",
    ":",
    "|",
    " | ",
    "/",
    "\\",
    "5m",
    "$1",
    "80%",
    "1.2.3",
    "..",
    "?",
    "??",
    "=",
    " == ",
    " is none",
    " as ",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "  ",
    "    ",
    "# c\n",
    "## d\n",
    "\u{feff}",
    "é",
    "🦀",
    "\u{0}",
    "\u{202e}",
    "5parsecs",
    "0..1",
    ".x",
    "-",
    "*",
    "any(",
    "2 of (",
    "mock ",
    " times 2",
    "rule r\n",
    "on failure -> a\n",
    "kind:x ",
    "scope:run",
    "99999999999999999999",
    "# allow(syntax): x\n",
    "$(",
    "<<EOF\n",
    "'",
    "`",
    "not ",
    " and ",
    " or ",
    "  do:\n",
    "  each: x in ",
    " by ",
    "  secrets:\n",
    "  memory:\n",
    "remember k = ",
    "hypothesis h\n",
    "it",
    "lines(stdout)",
    "json(stdout) as ",
    "list[",
    "1970-01-01",
    "0",
    "-1",
    "1e400",
    "0.1",
];

/// Deeper than anything that is allowed to nest.
const DEEP: usize = 400;
const MUTATIONS_MAX: usize = 8;
/// Doubling again and again ends here.
pub const BYTES_MAX: usize = 64 * 1024;

/// Some of the text, changed at random; `others` lend pieces.
pub fn mutate(text: &str, others: &[String], random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(MUTATIONS_MAX) {
        once(&mut text, others, random);
        if text.len() > BYTES_MAX {
            text.truncate(floor(&text, BYTES_MAX));
        }
    }
    text
}

fn once(text: &mut String, others: &[String], random: &mut Random) {
    let (start, end) = range(text, random);
    match random.below(12) {
        0 => text.replace_range(start..end, ""),
        1 => {
            let again = text[start..end].to_owned();
            text.insert_str(start, &again);
        }
        2 => text.truncate(end),
        3 => {
            if let Some(other) = others.get(random.below(others.len())) {
                let (from, to) = range(other, random);
                text.insert_str(start, &other[from..to]);
            }
        }
        4 => {
            let deep = ["(", "[", "{", "{{", "\"{{", "((", "not ", "- ", "list["];
            text.insert_str(start, &random.pick(&deep).repeat(random.below(DEEP)));
        }
        5 => change_lines(text, random, |lines, random| {
            let at = random.below(lines.len());
            lines.remove(at);
        }),
        6 => change_lines(text, random, |lines, random| {
            let (from, to) = (random.below(lines.len()), random.below(lines.len()));
            lines.swap(from, to);
        }),
        7 => change_lines(text, random, |lines, random| {
            let (from, to) = (random.below(lines.len()), random.below(lines.len() + 1));
            let line = lines[from].clone();
            lines.insert(to, line);
        }),
        8 => change_lines(text, random, |lines, random| {
            let at = random.below(lines.len());
            let indent = random.pick(&["", " ", "  ", "   ", "    ", "\t", "      "]);
            lines[at] = format!("{indent}{}", lines[at].trim_start());
        }),
        9 => {
            let with: String = char::from_u32(random.below(0x0001_1000) as u32).into_iter().collect();
            let next = text[start..].chars().next().map_or(0, char::len_utf8);
            text.replace_range(start..start + next, &with);
        }
        _ => text.insert_str(start, random.pick(PIECES)),
    }
}

fn change_lines(text: &mut String, random: &mut Random, change: impl Fn(&mut Vec<String>, &mut Random)) {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if !lines.is_empty() {
        change(&mut lines, random);
        *text = lines.concat();
    }
}

/// A range between characters, most often a short one.
pub fn range(text: &str, random: &mut Random) -> (usize, usize) {
    let start = floor(text, random.below(text.len() + 1));
    let length = if random.one_in(4) { text.len() } else { 40 };
    let end = floor(text, (start + random.below(length + 1)).min(text.len()));
    (start, end.max(start))
}

/// The nearest place between characters at or before `at`.
pub fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

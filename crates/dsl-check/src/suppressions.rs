//! `# allow(rule): reason`: which diagnostics it silences, and that it silences nothing.
//!
//! A suppression is about the next line that is no comment, and about the script that begins there. Read at the edge,
//! because lines are places of a file. Absent: reading the comments themselves (the parser does).

use std::collections::HashSet;
use std::ops::Range;

use dsl_syntax::ast::Span;
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::diagnostic::{Diagnostic, Edit, Fix};
use crate::inputs::SourceFile;
use crate::meant::nearest;
use crate::rules::{self, Rule};
use crate::trees::outline;

/// One comment, with places of the file.
struct Suppression {
    rule: SmolStr,
    name: Span,
    comment: Span,
    /// The bytes of the line that it is about.
    line: Range<u32>,
}

/// All of a file, and which rules have been silenced on which lines.
struct Suppressions {
    all: Vec<Suppression>,
    /// The start of the line, and the rule.
    known: HashSet<(u32, SmolStr)>,
    used: HashSet<(u32, SmolStr)>,
    /// The scripts that begin on such lines, each with the start of its line.
    scripts: Vec<(Range<u32>, u32)>,
}

impl Suppressions {
    fn new(text: &str, all: Vec<Suppression>) -> Self {
        let known = all.iter().map(|one| (one.line.start, one.rule.clone())).collect();
        let mut lines: Vec<&Range<u32>> = all.iter().map(|one| &one.line).collect();
        lines.dedup();
        let scripts = lines.into_iter();
        let scripts = scripts.filter_map(|line| Some((script_below(text, line)?, line.start)));
        Self {
            scripts: scripts.collect(),
            all,
            known,
            used: HashSet::new(),
        }
    }

    /// The starts of the lines whose suppressions are about the place.
    fn lines_of(&self, at: u32) -> [Option<u32>; 2] {
        let above = self.all.partition_point(|suppression| suppression.line.start <= at);
        let line = self.all[..above].last().map(|nearest| &nearest.line);
        let above = self.scripts.partition_point(|(script, _)| script.start <= at);
        let script = self.scripts[..above].last();
        [
            line.filter(|line| line.contains(&at)).map(|line| line.start),
            script.filter(|(script, _)| script.contains(&at)).map(|(_, line)| *line),
        ]
    }

    /// Whether that rule is silenced at the place; its suppressions are of use then.
    fn silence(&mut self, rule: &str, at: u32) -> bool {
        if is_essential(rule) {
            return false;
        }
        let keys = self
            .lines_of(at)
            .into_iter()
            .flatten()
            .map(|line| (line, SmolStr::from(rule)));
        let found: Vec<_> = keys.filter(|key| self.known.contains(key)).collect();
        let is_silenced = !found.is_empty();
        self.used.extend(found);
        is_silenced
    }

    fn is_used(&self, suppression: &Suppression) -> bool {
        self.used.contains(&(suppression.line.start, suppression.rule.clone()))
    }
}

/// Whether a file has such comments.
pub(crate) fn are_in(analysis: &Analysis, file: SourceFile) -> bool {
    let db = &analysis.db;
    let mut chunks = file.chunks(db).iter();
    chunks.any(|&chunk| !outline(db, chunk).suppressions.is_empty())
}

/// Takes out what is silenced, and adds the suppressions that silence nothing. `binding`: what no comment silences, because
/// a policy says it.
pub(crate) fn apply(analysis: &Analysis, file: SourceFile, found: &mut Vec<Diagnostic>, binding: &[Diagnostic]) {
    let (formed, others): (Vec<_>, Vec<_>) = comments(analysis, file).into_iter().partition(|one| one.is_formed);
    if formed.is_empty() && others.is_empty() {
        return;
    }
    let text = analysis.text(file.path(&analysis.db)).unwrap_or_default();
    // of a file with such mistakes not every rule is asked
    let is_judged = !found.iter().any(|diagnostic| hides_others(diagnostic.rule));
    let mut suppressions = Suppressions::new(&text, about(&text, formed));
    found.retain(|diagnostic| !suppressions.silence(diagnostic.rule, diagnostic.span.start));
    let is_bound = |one: &Suppression| {
        let mut here = binding.iter().filter(|diagnostic| diagnostic.rule == one.rule);
        here.any(|diagnostic| {
            suppressions
                .lines_of(diagnostic.span.start)
                .contains(&Some(one.line.start))
        })
    };
    // what the parser could not read, no rule has looked at
    if found.iter().any(|diagnostic| is_about_text(diagnostic.rule)) {
        return;
    }
    let unused: Vec<Diagnostic> = suppressions
        .all
        .iter()
        .filter(|suppression| !suppressions.is_used(suppression))
        .filter_map(|suppression| {
            let useless = match is_bound(suppression) {
                true => Useless::Policy,
                false if is_judged => Useless::Unused,
                false => Useless::Unknown,
            };
            let diagnostic = unused(analysis, file, suppression, useless, &text)?;
            Some((diagnostic, suppression.line.start))
        })
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|(_, line)| !suppressions.silence(rules::UNUSED_SUPPRESSION, *line))
        .map(|(diagnostic, _)| diagnostic)
        .collect();
    found.extend(unused);
    found.extend(
        others
            .iter()
            .filter_map(|comment| misformed(analysis, file, comment, &text)),
    );
}

/// Takes out what is silenced of a rule that is not looked for with the others: by a comment above its line, which in a
/// script is one of the script's, or above the clause that the script is in.
pub(crate) fn silence(analysis: &Analysis, file: SourceFile, rule: &str, found: &mut Vec<Diagnostic>) {
    if found.is_empty() {
        return;
    }
    let text = analysis.text(file.path(&analysis.db)).unwrap_or_default();
    let mut suppressions = Suppressions::new(&text, about(&text, formed(analysis, file)));
    let in_script = format!("# allow({rule})");
    found.retain(|diagnostic| {
        let start = diagnostic.span.start as usize;
        let above = text.get(..start).unwrap_or_default().rsplit('\n').nth(1);
        if above.is_some_and(|line| line.trim_start().starts_with(&in_script)) {
            return false;
        }
        !suppressions.silence(rule, diagnostic.span.start)
    });
}

/// The lines below one that ends with a bar, as far as they are indented more.
fn script_below(text: &str, line: &Range<u32>) -> Option<Range<u32>> {
    let header = text.get(line.start as usize..line.end as usize)?;
    let written = header.split(" #").next().unwrap_or(header);
    if !written.trim_end().ends_with('|') {
        return None;
    }
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let below = text.get(line.end as usize..)?.split_inclusive('\n');
    let script = below.take_while(|below| below.trim().is_empty() || indent(below) > indent(header));
    Some(line.end..line.end + script.map(str::len).sum::<usize>() as u32)
}

/// A comment that is, or may be meant as, a suppression, with places of the file.
struct Comment {
    rule: SmolStr,
    name: Span,
    comment: Span,
    is_formed: bool,
}

fn formed(analysis: &Analysis, file: SourceFile) -> Vec<Comment> {
    let all = comments(analysis, file).into_iter();
    all.filter(|one| one.is_formed).collect()
}

fn comments(analysis: &Analysis, file: SourceFile) -> Vec<Comment> {
    let db = &analysis.db;
    let mut found = Vec::new();
    let mut start = 0;
    for &chunk in file.chunks(db) {
        let outline = outline(db, chunk);
        found.extend(outline.suppressions.iter().map(|(block, suppression)| {
            let start = start + outline.starts[*block as usize];
            Comment {
                rule: suppression.rule.text.clone(),
                name: suppression.rule.span.shifted(start),
                comment: suppression.span.shifted(start),
                is_formed: suppression.is_formed,
            }
        }));
        start += chunk.text(db).len() as u32;
    }
    found
}

/// From the last to the first: of comments on adjacent lines the lower one knows the line already.
fn about(text: &str, comments: Vec<Comment>) -> Vec<Suppression> {
    let mut found: Vec<Suppression> = Vec::with_capacity(comments.len());
    for one in comments.into_iter().rev() {
        let Comment {
            rule, name, comment, ..
        } = one;
        let below = found.last().map(|below| (below.comment.start, below.line.clone()));
        let line = line_below(text, comment.end, below);
        found.push(Suppression {
            rule,
            name,
            comment,
            line,
        });
    }
    found.reverse();
    found
}

/// The line after the one that holds `at`, comments between them left out. `below`: where the next suppression stands, and the
/// line that it is about.
fn line_below(text: &str, at: u32, below: Option<(u32, Range<u32>)>) -> Range<u32> {
    let mut start = at as usize;
    loop {
        let Some(end) = text.get(start..).and_then(|rest| rest.find('\n')) else {
            return at..at;
        };
        start += end + 1;
        let rest = text.get(start..).unwrap_or_default();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        if !line.trim_start().starts_with('#') {
            return start as u32..(start + line.len() + 1) as u32;
        }
        if let Some((comment, known)) = &below
            && (start as u32..(start + line.len()) as u32).contains(comment)
        {
            return known.clone();
        }
    }
}

fn is_essential(rule: &str) -> bool {
    rules::find(rule).is_some_and(Rule::is_essential)
}

fn is_about_text(rule: &str) -> bool {
    rules::find(rule).is_some_and(|rule| rule.group == "text")
}

/// Whether a mistake of that rule keeps other rules from being asked.
fn hides_others(rule: &str) -> bool {
    rules::find(rule).is_some_and(|rule| rule.is_essential() || rule.group == "types")
}

/// Why a suppression silences nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Useless {
    /// Nothing there breaks the rule.
    Unused,
    /// A policy says it.
    Policy,
    /// The rule may not have been asked.
    Unknown,
}

fn unused(
    analysis: &Analysis,
    file: SourceFile,
    suppression: &Suppression,
    useless: Useless,
    text: &str,
) -> Option<Diagnostic> {
    let severity = analysis.config().severity(rules::UNUSED_SUPPRESSION)?;
    let name = &suppression.rule;
    let path = file.path(&analysis.db).clone();
    let fix = |title: String, span: Span, text: String| Fix {
        title,
        safe: false,
        edits: vec![Edit {
            file: path.clone(),
            span,
            text,
        }],
    };
    let remove = fix(
        "remove the comment".into(),
        whole_line(text, suppression.comment),
        String::new(),
    );
    let (message, help, fixes) = match rules::find(name) {
        // one that says so itself, or is off in the settings, has nothing to silence here
        // what shellcheck says is known only where it is installed
        Some(_) if name == rules::SHELL_LINT => return None,
        Some(_) if name == rules::UNUSED_SUPPRESSION || analysis.config().severity(name).is_none() => return None,
        Some(rule) if rule.is_essential() => {
            let message = format!("`{name}` is always an error: the plan would not be what is written");
            (message, None, vec![remove])
        }
        Some(_) if useless == Useless::Policy => {
            let message = format!("a policy decides about `{name}` here, and no comment of the plan lifts it");
            let help = "repair the plan, or let the policy's rule say `severity: warning`";
            (
                message,
                (name == rules::POLICY_VIOLATION).then(|| help.to_owned()),
                vec![remove],
            )
        }
        Some(_) if useless == Useless::Unknown => return None,
        Some(_) => {
            let message = format!("nothing on the next line breaks `{name}`, so this allows nothing");
            (message, None, vec![Fix { safe: true, ..remove }])
        }
        None => {
            let known: Vec<SmolStr> = rules::RULES.iter().map(|rule| rule.name.into()).collect();
            let best = nearest(name, &known).first().map(|best| (*best).clone());
            let message = format!("there is no rule `{name}` to allow");
            let help = best.as_ref().map(|best| format!("did you mean `{best}`?"));
            let rename = best.map(|best| {
                fix(
                    format!("change `{name}` to `{best}`"),
                    suppression.name,
                    best.to_string(),
                )
            });
            (message, help, rename.into_iter().chain([remove]).collect())
        }
    };
    Some(Diagnostic {
        rule: rules::UNUSED_SUPPRESSION,
        severity,
        message,
        file: path,
        span: suppression.name,
        labels: Vec::new(),
        notes: Vec::new(),
        help,
        fixes,
    })
}

/// Says of a comment that it is no suppression, if it names a rule as one would.
fn misformed(analysis: &Analysis, file: SourceFile, comment: &Comment, text: &str) -> Option<Diagnostic> {
    let severity = analysis.config().severity(rules::UNUSED_SUPPRESSION)?;
    let path = file.path(&analysis.db);
    let written = text.get(comment.comment.range())?;
    // a name of one word may stand in any remark
    let is_rule = |word: &&str| word.contains('-') && rules::find(word).is_some();
    let (listed, reason) = written.split_once(')').unwrap_or((written, ""));
    let words = listed.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let named: Vec<&str> = words.filter(is_rule).collect();
    if !(is_rule(&comment.rule.as_str()) || written.contains('(') && !named.is_empty()) {
        return None;
    }
    let reason = match reason.trim_start_matches([':', ' ']) {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let lines: Vec<String> = named.iter().map(|rule| format!("# allow({rule}){reason}")).collect();
    let before = &text[..comment.comment.start as usize];
    let indent = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    let fix = || Fix {
        title: "write it as one".into(),
        safe: false,
        edits: vec![Edit {
            file: path.clone(),
            span: comment.comment,
            text: lines.join(&format!("\n{indent}")),
        }],
    };
    Some(Diagnostic {
        rule: rules::UNUSED_SUPPRESSION,
        severity,
        message: "this comment allows nothing, expected one rule: `# allow(rule): reason`".into(),
        file: path.clone(),
        span: comment.name,
        labels: Vec::new(),
        notes: Vec::new(),
        help: Some(format!(
            "write `{}`{}",
            lines[0],
            if lines.len() > 1 {
                ", and a comment for each other rule"
            } else {
                ""
            }
        )),
        fixes: indent.trim().is_empty().then(fix).into_iter().collect(),
    })
}

/// The comment with its line, if nothing else stands there; else with the blanks before it.
fn whole_line(text: &str, comment: Span) -> Span {
    let before = &text[..comment.start as usize];
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let blank = before.trim_end_matches([' ', '\t']).len();
    if blank > line {
        return Span::new(blank as u32, comment.end);
    }
    let newline = u32::from(text[comment.end as usize..].starts_with('\n'));
    Span::new(line as u32, comment.end + newline)
}

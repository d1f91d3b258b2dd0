//! Problems of types, names and places in scripts: one short method each, which finds the words.
//!
//! `rg 'report\.'` lists every place that can complain. Other parts of the checker add their own methods to [`Report`]
//! in their own files. Absent: severities (the table of rules has them) and files.

use dsl_syntax::ast::{Name, Span, SyntaxError};
use ir::func::Func;
use ir::types::Type;
use smol_str::SmolStr;

use super::names::{field_help, is_plain};
use super::repair::{Conversion, converted_by, literally, nothing};
use crate::diagnostic::{Amend, AmendHow, Whose};
use crate::meant;

/// Something wrong in one block; spans are relative to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub rule: &'static str,
    pub span: Span,
    /// The headline: stands alone, lower case, no full stop.
    pub message: String,
    /// Something to type.
    pub help: Option<String>,
    pub labels: Vec<(Span, String)>,
    pub fixes: Vec<ProblemFix>,
    /// A repair that is written down when it is shown: it may stand in another declaration.
    pub amend: Option<Amend>,
}

/// A repair that a machine can apply; `safe` means that it cannot change what a correct plan means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProblemFix {
    pub title: String,
    pub safe: bool,
    pub edits: Vec<(Span, String)>,
}

impl Problem {
    pub fn new(rule: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            span,
            message: message.into(),
            help: None,
            labels: Vec::new(),
            fixes: Vec::new(),
            amend: None,
        }
    }

    #[must_use]
    pub fn amend(mut self, title: impl Into<String>, of: Whose, how: AmendHow) -> Self {
        let title = title.into();
        self.amend = Some(Amend { title, of, how });
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, safe: bool, edits: Vec<(Span, String)>) -> Self {
        self.fixes.push(ProblemFix {
            title: title.into(),
            safe,
            edits,
        });
        self
    }
}

/// Where problems go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    pub problems: Vec<Problem>,
}

/// What kind of place inside a script leaves `{{ … }}` alone; see [`Report::interpolation_in_quotes`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quoting {
    /// `'…'`
    Single,
    /// The same, with nothing else in the quotes.
    Alone,
    /// `$'…'`
    AnsiC,
    /// `<<'END'`
    HereDoc,
    /// The word after `<<`.
    Delimiter,
    /// `\{{ … }}`
    Backslash,
}

/// How a quoted here-document is written whose values are expanded, and nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unquoted {
    /// The operator with its delimiter, `<<END`.
    pub operator: String,
    /// Something else in it would be expanded, too, and has a backslash then.
    pub escapes: bool,
    pub edits: Vec<(Span, String)>,
}

impl Report {
    pub fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// An error of the parser that only the checker could tell to be one.
    pub fn syntax(&mut self, error: &SyntaxError) {
        let mut problem = Problem::new(error.rule.name(), error.span, error.message.clone());
        problem.help.clone_from(&error.help);
        if let Some(fix) = &error.fix {
            problem = problem.fix(fix.title.clone(), false, vec![(fix.span, fix.text.clone())]);
        }
        self.push(problem);
    }

    // ---- names ----

    /// Candidates with a dot are the same name in a group: `params.depth` for `depth`.
    pub fn unresolved_name(&mut self, span: Span, name: &str, candidates: &[SmolStr]) {
        let message = format!("`{name}` is not in scope");
        let problem = Problem::new("unresolved-name", span, message);
        let (grouped, plain): (Vec<SmolStr>, Vec<SmolStr>) = candidates
            .iter()
            .cloned()
            .partition(|candidate| candidate.contains('.'));
        self.push(match grouped.first() {
            Some(whole) => problem.help(format!("did you mean `{whole}`?")).fix(
                format!("change `{name}` to `{whole}`"),
                false,
                vec![(span, whole.to_string())],
            ),
            None => {
                let problem = match (meant::literal_called(name), meant::instead_of(name)) {
                    (Some(literal), _) => problem.called(name, literal),
                    (None, Some(help)) => problem.help(help),
                    (None, None) => problem.meant(name, meant::name_called(name), &plain),
                };
                match problem.help.is_none() {
                    true => problem.list("here one can read", &plain),
                    false => problem,
                }
            }
        });
    }

    pub fn unresolved_member(&mut self, span: Span, owner: &str, name: &str, candidates: &[SmolStr]) {
        let problem = Problem::new("unresolved-name", span, format!("`{owner}` has no `{name}`"));
        let problem = problem.nearest(name, candidates);
        self.push(if problem.help.is_none() {
            problem.list("it has", candidates)
        } else {
            problem
        });
    }

    pub fn unresolved_type(&mut self, span: Span, name: &str, candidates: &[SmolStr]) {
        let message = format!("there is no type `{name}`");
        let problem = Problem::new("unresolved-name", span, message);
        self.push(match (meant::type_called(name), meant::literal_called(name)) {
            (None, Some(value @ ("true" | "false"))) => {
                let text = format!("bool = {value}");
                let help = format!("its type stands before the value: `{text}`");
                problem
                    .help(help)
                    .fix(format!("write `{text}`"), false, vec![(span, text)])
            }
            (None, _) => problem.nearest_or_declared("type", name, candidates),
            (called, _) => problem.meant(name, called, candidates),
        });
    }

    pub fn no_such_enum_member(&mut self, span: Span, name: &str, members: &[SmolStr]) {
        let message = format!("`{name}` is no member of `{}`", members.join(" | "));
        let problem = Problem::new("unresolved-name", span, message);
        self.push(problem.meant(name, meant::status_called(name), members));
    }

    pub fn it_outside_items(&mut self, span: Span) {
        let message = "`it` is not in scope: it is the item inside an argument of a function about items";
        self.push(Problem::new("unresolved-name", span, message).help("write it as in `xs | where(it > 3)`"));
    }

    pub fn duplicate_member(&mut self, span: Span, first: Span, name: &str) {
        let message = format!("`{name}` is listed twice");
        self.push(Problem::new("duplicate-name", span, message).label(first, "first here"));
    }

    pub fn duplicate_field(&mut self, span: Span, first: Span, name: &str) {
        let message = format!("the field `{name}` is given twice");
        self.push(Problem::new("duplicate-name", span, message).label(first, "first here"));
    }

    pub fn namespace_as_value(&mut self, span: Span, path: &str) {
        let message = format!("`{path}` is a group of values, expected one of them");
        self.push(Problem::new("type-mismatch", span, message).help(format!("name one: `{path}.…`")));
    }

    // ---- types as written ----

    pub fn needs_type_argument(&mut self, span: Span, name: &str) {
        let message = format!("`{name}` stands alone, expected what it holds");
        self.push(Problem::new("wrong-arguments", span, message).help(format!("write `{name}[string]`, say")));
    }

    pub fn takes_no_type_argument(&mut self, span: Span, name: &str) {
        let message = format!("`{name}` takes no type in brackets; `list`, `map` and `secret` do");
        self.push(Problem::new("wrong-arguments", span, message));
    }

    pub fn cannot_refine(&mut self, span: Span, name: &str, what: &str) {
        let message = format!("`{name}` cannot be narrowed by {what}");
        let help = "bounds narrow `int`, `float`, the length of a `string` and of a `list`; a regex narrows a `string`";
        self.push(Problem::new("type-mismatch", span, message).help(help));
    }

    pub fn bound_of_wrong_type(&mut self, span: Span, expected: &str) {
        self.push(Problem::new(
            "type-mismatch",
            span,
            format!("a bound here is {expected}"),
        ));
    }

    pub fn bounds_reversed(&mut self, span: Span, lo: &str, hi: &str) {
        let message = format!("the lower bound {lo} is above the upper bound {hi}, so nothing fits");
        let swapped = format!("{hi}..{lo}");
        let problem = Problem::new("out-of-range", span, message).help(format!("write `{swapped}`"));
        self.push(problem.fix("swap the bounds", false, vec![(span, swapped)]));
    }

    pub fn invalid_regex(&mut self, span: Span, why: &str) {
        self.push(Problem::new("invalid-regex", span, why));
    }

    /// As [`Self::invalid_regex`], of one that is written between slashes.
    pub fn invalid_regex_literal(&mut self, span: Span, pattern: &str, why: &str) {
        let problem = Problem::new("invalid-regex", span, why);
        self.push(match literally(pattern) {
            Some(text) => problem.fix("match it as plain text", false, vec![(span, format!("/{text}/"))]),
            None => problem,
        });
    }

    // ---- types of expressions ----

    pub fn type_mismatch(&mut self, span: Span, found: &Type, expected: &Type, help: Option<String>) {
        self.type_mismatch_of(span, found, expected, help, None);
    }

    /// `converted`: how the expression could be written to be of the type.
    pub fn type_mismatch_of(
        &mut self,
        span: Span,
        found: &Type,
        expected: &Type,
        help: Option<String>,
        converted: Option<Conversion>,
    ) {
        let mut problem = Problem::new("type-mismatch", span, format!("found `{found}`, expected `{expected}`"));
        problem.help = help;
        self.push(converted_by(problem, span, converted));
    }

    /// As [`Self::type_mismatch`], where more than one type would do.
    pub fn expected_one_of(&mut self, span: Span, found: &Type, expected: &str, help: Option<String>) {
        let mut problem = Problem::new("type-mismatch", span, format!("found `{found}`, expected {expected}"));
        problem.help = help;
        self.push(problem);
    }

    pub fn unit_mismatch(
        &mut self,
        span: Span,
        found: &str,
        expected: &str,
        help: Option<String>,
        converted: Option<Conversion>,
    ) {
        let mut problem = Problem::new("unit-mismatch", span, format!("found {found}, expected {expected}"));
        problem.help = help;
        self.push(converted_by(problem, span, converted));
    }

    /// `verb` as in "cannot compare … with …". The sides are labelled with their dimensions.
    pub fn units_do_not_mix(&mut self, span: Span, verb: &str, lhs: (Span, &str), rhs: (Span, &str)) {
        let (left, right) = (lhs.1, rhs.1);
        let message = format!("cannot {verb}: the left side is {left}, the right side {right}");
        let problem = Problem::new("unit-mismatch", span, message);
        self.push(problem.label(lhs.0, left).label(rhs.0, right));
    }

    /// `converted`: how a side that is a literal could be written to be of the other's type.
    pub fn types_do_not_mix(
        &mut self,
        span: Span,
        verb: &str,
        (lhs, rhs): (&Type, &Type),
        help: Option<String>,
        converted: Option<(Span, Conversion)>,
    ) {
        let message = format!("cannot {verb}: the left side is `{lhs}`, the right side `{rhs}`");
        let mut problem = Problem::new("type-mismatch", span, message);
        self.push(match converted {
            Some((side, converted)) => converted_by(problem, side, Some(converted)),
            None => {
                problem.help = members_of(lhs, rhs).or_else(|| members_of(rhs, lhs)).or(help);
                problem
            }
        });
    }

    /// `text` is the expression as written, where it is short enough to name; `ty`: what it is when it is there;
    /// `alone`: it is no part of a larger expression.
    pub fn not_optional_safe(&mut self, span: Span, text: Option<&str>, (ty, alone): (&Type, bool), expected: &str) {
        let what = text.unwrap_or("this");
        let name = text.map_or_else(|| "this value".to_owned(), |text| format!("`{text}`"));
        let message = format!("{name} may be absent, expected {expected}");
        let help = match text {
            Some(_) => {
                // `??` binds less than the test
                let tested = match what.contains("??") {
                    true => format!("({what})"),
                    false => what.to_owned(),
                };
                format!("give a default (`{what} ?? …`), or guard what reads it (`when: {tested} is not none`)")
            }
            None => "give a default with `?? …`, or test it with `is none`".to_owned(),
        };
        let problem = Problem::new("not-optional-safe", span, message).help(help);
        self.push(match (text, nothing(ty)) {
            (Some(text), Some(nothing)) => {
                let written = match alone {
                    true => format!("{text} ?? {nothing}"),
                    false => format!("({text} ?? {nothing})"),
                };
                problem.fix(
                    format!("take `{nothing}` where it is absent"),
                    false,
                    vec![(span, written)],
                )
            }
            _ => problem,
        });
    }

    pub fn quoted_enum_member(&mut self, span: Span, text: &str, members: &Type) {
        let message = format!("found a string, expected one of `{members}`");
        let problem = Problem::new("type-mismatch", span, message);
        self.push(problem.help(format!("members are written bare: `{text}`")).fix(
            format!("remove the quotes around `{text}`"),
            true,
            vec![(span, text.to_owned())],
        ));
    }

    pub fn missing_fields(&mut self, span: Span, record: &str, fields: &[SmolStr]) {
        let listed = fields
            .iter()
            .map(|field| format!("`{field}`"))
            .collect::<Vec<_>>()
            .join(", ");
        self.push(Problem::new(
            "missing-field",
            span,
            format!("this `{record}` lacks {listed}"),
        ));
    }

    /// `why` says what the value is and what was expected; `near`: the nearest that is allowed.
    pub fn out_of_range(&mut self, span: Span, why: &str, expected: &Type, near: Option<String>) {
        let problem = Problem::new("out-of-range", span, why);
        let problem = problem.label(span, format!("this has to be a `{expected}`"));
        self.push(match near {
            Some(near) => problem.fix(format!("change it to {near}"), false, vec![(span, near)]),
            None => problem,
        });
    }

    pub fn division_by_zero(&mut self, span: Span) {
        self.push(Problem::new("out-of-range", span, "division by zero"));
    }

    pub fn negative_index(&mut self, span: Span) {
        let problem = Problem::new(
            "out-of-range",
            span,
            "an index below 0, expected a position counted from 0",
        );
        self.push(problem.help("the last item is `last(xs)`"));
    }

    pub fn not_constant(&mut self, span: Span, expected: &Type) {
        let message = format!("this `{expected}` is only known while running, expected a constant");
        self.push(Problem::new("type-mismatch", span, message));
    }

    /// A name where only a literal of type `ty` can stand.
    pub fn no_literal(&mut self, span: Span, name: &str, ty: &Type) {
        let example = match ty {
            Type::Int(_) => "a number: `10`",
            Type::Float(_) => "a number or a ratio: `0.8`, `80%`",
            Type::Duration => "a number with its unit: `30s`",
            Type::Size => "a number with its unit: `50MB`",
            Type::Money => "an amount: `$10.00`",
            Type::Bool => "`true` or `false`",
            _ => "a literal",
        };
        let problem = Problem::new(
            "type-mismatch",
            span,
            format!("found the name `{name}`, expected `{ty}`"),
        );
        self.push(problem.help(format!("write {example}")));
    }

    /// `owner`: the expression of type `found`, where it is short enough to name.
    pub fn no_fields(&mut self, span: Span, found: &Type, owner: &str, name: &Name) {
        let message = format!("found `{found}`, expected a record with a field `{}`", name.text);
        let problem = Problem::new("type-mismatch", span, message);
        self.push(match field_help(found, owner, &name.text) {
            Some(help) => problem.help(help),
            None if is_plain(found) => {
                let field = Span::new(span.end, name.span.end);
                problem
                    .help(format!("`{owner}` is the value itself: leave `.{}` out", name.text))
                    .fix(format!("remove `.{}`", name.text), false, vec![(field, String::new())])
            }
            None => problem,
        });
    }

    pub fn invalid_literal(&mut self, span: Span, message: impl Into<String>) {
        self.push(Problem::new("invalid-literal", span, message));
    }

    pub fn cannot_cast(&mut self, span: Span, found: &Type, to: &Type, help: Option<String>) {
        let message = format!("a `{found}` is never a `{to}`: `as` checks data, it does not calculate");
        let mut problem = Problem::new("type-mismatch", span, message);
        problem.help = help;
        self.push(problem);
    }

    pub fn policy_only(&mut self, span: Span) {
        let message = "selectors and patterns stand only in policies, expected a value";
        self.push(Problem::new("type-mismatch", span, message));
    }

    // ---- functions ----

    pub fn unknown_function(&mut self, span: Span, name: &str, candidates: &[SmolStr]) {
        let message = format!("there is no function `{name}`");
        let problem = Problem::new("unknown-function", span, message);
        self.push(match meant::instead_of(name) {
            Some(help) => problem.help(help),
            None => problem.meant(name, meant::function_called(name), candidates),
        });
    }

    pub fn observing_function(&mut self, span: Span, name: &str) {
        let message = format!(
            "`{name}` looks at the world, which is allowed only in `output`, `expect`, `requires` and `checks`"
        );
        let help = format!("look in an `output:` of a task that comes before: `seen: … = {name}(…)`");
        self.push(Problem::new("unknown-function", span, message).help(help));
    }

    pub fn wrong_arguments(&mut self, span: Span, message: impl Into<String>, signature: &str) {
        self.push(Problem::new("wrong-arguments", span, message).help(format!("its signature: `{signature}`")));
    }

    pub fn unknown_argument(&mut self, span: Span, func: Func, name: &str, candidates: &[SmolStr]) {
        let message = format!("`{}` has no parameter `{name}`", func.name());
        let problem = Problem::new("wrong-arguments", span, message).nearest(name, candidates);
        let signature = || format!("its signature: `{}`", func.signature());
        self.push(if problem.help.is_none() {
            problem.help(signature())
        } else {
            problem
        });
    }

    pub fn wrong_argument_type(
        &mut self,
        span: Span,
        func: Func,
        param: &str,
        found: &Type,
        expected: &str,
        help: Option<String>,
    ) {
        let message = format!(
            "found `{found}` for `{param}` of `{}`, expected {expected}",
            func.name()
        );
        let help = help.unwrap_or_else(|| format!("its signature: `{}`", func.signature()));
        self.push(Problem::new("wrong-arguments", span, message).help(help));
    }

    // ---- scripts ----

    /// `text` is the interpolation as written, braces included; `span` covers it.
    /// `unquoted`: of a quoted here-document that can be written so that it expands its values and nothing else.
    /// `lead`: so many bytes before it go: the backslash, or the `$` of `${{ … }}`.
    pub fn interpolation_in_quotes(
        &mut self,
        span: Span,
        text: &str,
        quoting: Quoting,
        unquoted: Option<Unquoted>,
        lead: u32,
    ) {
        let start = Span::new(span.start - lead, span.start);
        let end = Span::new(span.end, span.end);
        let problem = |place: &str| {
            Problem::new(
                "interpolation-in-quotes",
                span,
                format!("`{text}` is plain text {place}, expected where the shell expands"),
            )
        };
        let close = |open: &str| vec![(start, "'".to_owned()), (end, open.to_owned())];
        let way = match lead {
            0 => "close the quotes around it",
            _ => "close the quotes around it, and remove the `$`",
        };
        self.push(match quoting {
            Quoting::Single => problem("inside single quotes")
                .help(format!("{way}: `'…'{text}'…'`"))
                .fix(way, false, close("'")),
            Quoting::Alone => {
                let quotes = [span.start - 1..span.start, span.end..span.end + 1];
                let edits = quotes.map(|quote| (Span::new(quote.start, quote.end), String::new()));
                problem("inside single quotes")
                    .help(format!("without them it is one word: `{text}`"))
                    .fix("take the quotes away", false, edits.into())
            }
            Quoting::AnsiC => {
                problem("inside `$'…'`")
                    .help(format!("{way}: `$'…'{text}$'…'`"))
                    .fix(way, false, close("$'"))
            }
            Quoting::HereDoc => unquote(problem("in a here-document with a quoted delimiter"), unquoted),
            Quoting::Delimiter => problem("as the delimiter of a here-document").help("write a fixed word"),
            Quoting::Backslash => problem("after a backslash")
                .help(format!("remove the backslash: `{text}`"))
                .fix("remove the backslash", false, vec![(start, String::new())]),
        });
    }

    /// `text` is the interpolation as written, braces included; `span` covers it.
    pub fn stray_dollar(&mut self, span: Span, text: &str, help: &str) {
        let dollar = Span::new(span.start - 1, span.start);
        let message = format!("the `$` before `{text}` stays in the text, expected the braces alone");
        let problem = Problem::new("stray-dollar", dollar, message).help(help);
        self.push(problem.fix("remove the `$`", false, vec![(dollar, String::new())]));
    }

    pub fn text_in_arithmetic(&mut self, span: Span, found: &Type) {
        let message = format!("found `{found}` where the shell calculates, expected `int`");
        let help = "the shell would run what it finds in other text; convert it with `int(…)`";
        self.push(Problem::new("type-mismatch", span, message).help(help));
    }
}

/// Of a comparison of one of several names with text: as text it would be equal to whatever nobody ever says.
fn members_of(names: &Type, text: &Type) -> Option<String> {
    let (Type::Enum(members), true) = (names, text.is_text()) else {
        return None;
    };
    let shown: Vec<String> = members.iter().map(|member| format!("`{member}`")).collect();
    Some(format!("its members stand without quotes: {}", shown.join(", ")))
}

fn unquote(problem: Problem, unquoted: Option<Unquoted>) -> Problem {
    let Some(unquoted) = unquoted else {
        return problem.help("pass the value in `env:` and read the variable, or unquote the delimiter (`<<END`)");
    };
    let operator = unquoted.operator;
    let (help, title) = match unquoted.escapes {
        false => (format!("unquote the delimiter: `{operator}`"), "unquote the delimiter"),
        true => (
            format!("unquote the delimiter, `{operator}`, and write a backslash before what is to stay as it is"),
            "unquote the delimiter, and keep the rest as it is",
        ),
    };
    problem.help(help).fix(title, false, unquoted.edits)
}

impl Problem {
    /// Lists a few names, where none of them is near.
    fn list(self, lead: &str, names: &[SmolStr]) -> Self {
        const LISTED_MAX: usize = 8;
        if names.is_empty() {
            return self;
        }
        let mut text = names
            .iter()
            .take(LISTED_MAX)
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        if names.len() > LISTED_MAX {
            text.push_str(", …");
        }
        self.help(format!("{lead} {text}"))
    }
}

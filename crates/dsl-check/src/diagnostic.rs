//! What is wrong with a plan, as data.
//!
//! Queries hold a [`Diag`]: its places are relative to blocks, or symbolic ("the need `b` of that node"), so that moving text
//! changes none of them. A [`Diagnostic`] has absolute byte spans and is made at the edge only, when somebody asks. Absent: how
//! a diagnostic looks on a terminal or in an editor.

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::Span;
use dsl_syntax::table::ClauseKey;
use smol_str::SmolStr;

use crate::inputs::SourceChunk;
use crate::rules;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    Error,
    Warning,
    Hint,
}

impl Severity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// One mistake, with absolute byte spans.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    pub rule: &'static str,
    pub severity: Severity,
    /// One line: lower case, the plan's own names in backticks, no full stop.
    pub message: String,
    pub file: Arc<Path>,
    pub span: Span,
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    /// Something to type.
    pub help: Option<String>,
    pub fixes: Vec<Fix>,
}

/// Another place involved, with the fact that it adds. A label whose place is the diagnostic's own says more about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    pub file: Arc<Path>,
    pub span: Span,
    pub message: String,
}

/// A repair. A safe one does not change what a correct plan means, and may be applied unseen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    pub title: String,
    pub safe: bool,
    pub edits: Vec<Edit>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    pub file: Arc<Path>,
    pub span: Span,
    pub text: String,
}

/// A block of a file, however it moves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct BlockRef {
    pub chunk: SourceChunk,
    pub index: u32,
}

/// A place in a block: a span of it, or something that is looked up in its tree when the diagnostic is shown.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Target {
    Span(Span),
    /// The declaration's name, or its keyword.
    Name,
    /// The name inside `needs:`.
    Need(SmolStr),
    /// The n-th route or arm that leads there, on that event (`None`: an arm).
    Route {
        on: Option<SmolStr>,
        to: SmolStr,
    },
    /// The `when` or `else` of the n-th route clause.
    Arm(u32),
    Fallback,
    /// The plan that a task calls.
    Call,
    /// A name in a clause of names, or the capability of a step.
    Named(ClauseKey, SmolStr),
    /// The key of the first such clause.
    Clause(ClauseKey),
    /// A named entry of such a clause: an input, an output, a memory key.
    Entry(ClauseKey, SmolStr),
    /// Where such a clause (`None`: the title), or an entry of it, first reads a value: `secrets.token`; `*` is any name.
    Read {
        key: Option<ClauseKey>,
        entry: Option<SmolStr>,
        path: SmolStr,
    },
    /// The value of the first such clause.
    NameIn(ClauseKey),
    /// The capability of a line of `do:`.
    Step(SmolStr),
    /// An effect, by its name and one of its arguments.
    Effect(SmolStr, SmolStr),
    /// The name of an argument in a line of `do:`, by its number.
    StepArg(u32, SmolStr),
    /// The name of the n-th rule of a policy.
    Rule(u32),
    /// A clause inside a clause: `capabilities` in `allow`.
    Inner(ClauseKey, ClauseKey),
    /// The value of the first such clause, …
    Value(ClauseKey),
    /// … or of an entry of it.
    EntryValue(ClauseKey, SmolStr),
    /// The path of a `use`, or a name picked by it.
    Use(Option<SmolStr>),
    /// The path of a line of a profile, …
    Line(SmolStr),
    /// … and its value.
    LineValue(SmolStr),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Place {
    pub block: BlockRef,
    pub target: Target,
}

impl Place {
    pub const fn at(block: BlockRef, span: Span) -> Self {
        Self {
            block,
            target: Target::Span(span),
        }
    }
}

/// A diagnostic whose places are relative to blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Diag {
    pub rule: &'static str,
    pub message: String,
    pub place: Place,
    pub labels: Vec<(Place, String)>,
    pub notes: Vec<String>,
    pub help: Option<String>,
    pub fixes: Vec<LocalFix>,
    /// A change of a clause that would repair it, perhaps not as its author wants.
    pub amend: Option<Amend>,
    /// A warning, although its rule raises errors.
    pub lowered: bool,
    /// A repair is to take out what the place names; whether that is safe.
    pub removable: Option<bool>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LocalFix {
    pub title: String,
    pub safe: bool,
    /// Places in the block of the diagnostic.
    pub edits: Vec<(Target, String)>,
}

/// An edit that is written down when the diagnostic is shown, for it needs to know where things stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Amend {
    pub title: String,
    pub of: Whose,
    pub how: AmendHow,
}

/// The declaration that is amended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The diagnostic's own.
    Here,
    /// The plan to which the diagnostic's belongs; an implicit plan has no clauses, so it is not amended.
    Plan,
    /// The agent of this name, as the file of the diagnostic knows it.
    Agent(SmolStr),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AmendHow {
    /// Gives a clause that value; adds it if it is not there.
    Set(ClauseKey, String),
    /// Adds a line below the declaration's others.
    Line(String),
    /// Adds a line to a clause of named entries; adds the clause if it is not there.
    Entry(ClauseKey, String),
    /// Adds names to a clause of names.
    Names(ClauseKey, Vec<SmolStr>),
    /// Adds a name to `needs:`.
    Need(SmolStr),
    /// Takes a need out, if nothing of it is read or the node `follows` it by a route too.
    NoNeed { name: SmolStr, follows: bool },
    /// Of these needs any is enough.
    Any(Vec<SmolStr>),
    /// Instead of any of these, each may have been skipped.
    Each(Vec<SmolStr>),
}

/// A message that quotes what was written shows the breaks of lines that are in it.
fn one_line(message: String) -> String {
    if message.contains(['\n', '\r']) {
        message.replace('\n', "\\n").replace('\r', "\\r")
    } else {
        message
    }
}

impl Diag {
    pub fn new(rule: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: one_line(message.into()),
            place,
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            fixes: Vec::new(),
            amend: None,
            lowered: false,
            removable: None,
        }
    }
    /// Whether a policy says so, and not the plan's own declarations.
    pub fn is_of_policy(&self) -> bool {
        let is_rule = |place: &Place| matches!(place.target, Target::Rule(_));
        match self.rule {
            rules::SECRET_LEAK => self.labels.iter().any(|(place, _)| is_rule(place)),
            rule => rules::of_policies(rule),
        }
    }
    pub fn removable(mut self, safe: bool) -> Self {
        self.removable = Some(safe);
        self
    }
    pub fn label(mut self, place: Place, message: impl Into<String>) -> Self {
        self.labels.push((place, message.into()));
        self
    }
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
    pub fn set_clause(self, title: impl Into<String>, key: ClauseKey, value: impl Into<String>) -> Self {
        self.amend(title, AmendHow::Set(key, value.into()))
    }
    pub fn add_need(self, title: impl Into<String>, name: SmolStr) -> Self {
        self.amend(title, AmendHow::Need(name))
    }
    pub fn amend(mut self, title: impl Into<String>, how: AmendHow) -> Self {
        self.amend = Some(Amend {
            title: title.into(),
            of: Whose::Here,
            how,
        });
        self
    }
    pub fn fix(self, title: impl Into<String>, safe: bool, span: Span, text: impl Into<String>) -> Self {
        self.fix_at(title, safe, Target::Span(span), text)
    }
    pub fn fix_at(mut self, title: impl Into<String>, safe: bool, at: Target, text: impl Into<String>) -> Self {
        self.fixes.push(LocalFix {
            title: title.into(),
            safe,
            edits: vec![(at, text.into())],
        });
        self
    }
}

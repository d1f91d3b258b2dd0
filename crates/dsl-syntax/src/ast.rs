//! The tree: what a block of plan text says, before anything is known about names or types.
//!
//! A *block* is the unit of parsing: one top-level declaration, one node of a plan, or a run of a plan's own clauses.
//! Every span is relative to the start of its block, so that moving a block changes nothing in its tree.
//! The tree is deliberately uniform: a declaration is a header and clauses, a clause is a key and a value whose shape
//! the table of declarations ([`crate::table`]) names. Absent: trivia (the token vector has it), meaning, files.

use smol_str::SmolStr;

use crate::table::{ClauseKey, DeclKind};

/// A byte range inside a block (or, where said so, inside a file).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }
    /// The same range seen from `offset` bytes earlier: block-relative to file-absolute.
    pub const fn shifted(self, offset: u32) -> Self {
        Self {
            start: self.start + offset,
            end: self.end + offset,
        }
    }
    pub const fn cover(self, other: Self) -> Self {
        Self {
            start: if self.start < other.start {
                self.start
            } else {
                other.start
            },
            end: if self.end > other.end { self.end } else { other.end },
        }
    }
    pub const fn contains(self, offset: u32) -> bool {
        self.start <= offset && offset <= self.end
    }
    /// To take it out of the text that it is relative to.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A name as written: `check-db`, or dotted where the grammar allows it (`web.search`), or a principal (`role/release`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    pub text: SmolStr,
    pub span: Span,
}

/// What stands at one place of a file. `Plan` blocks hold the header and the clauses before the first node; clauses
/// that come after a node stand in a `PlanRest` block of their own and belong to the plan above.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// `use …`
    Use,
    /// A top-level declaration (for a plan: header and first clauses, without its nodes).
    Top,
    /// A node (task, gate, decision, hypothesis) indented under the plan above.
    PlanNode,
    /// Clauses of the plan above that follow one of its nodes; `Decl::kind` is `Plan`, the header is empty.
    PlanRest,
    /// Comments and blank lines only, or text that is no declaration (then with errors).
    Other,
}

/// One parsed block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    pub kind: BlockKind,
    /// Documentation of the file (`##` lines followed by a blank line), only in the block that holds it.
    pub file_doc: Option<SmolStr>,
    pub item: Option<Item>,
    /// `# allow(rule): reason` comments, in order.
    pub suppressions: Vec<Suppression>,
    pub errors: Vec<SyntaxError>,
    /// Length of the block's text in bytes.
    pub len: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    Use(Use),
    Decl(Decl),
}

/// `use "lib/web.plan"`, `use "x.plan" as x`, `use a, b from "x.plan"`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Use {
    pub path: Option<StringLit>,
    pub alias: Option<Name>,
    /// Empty: everything is brought in.
    pub picked: Vec<Name>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    pub rule: Name,
    pub reason: Option<SmolStr>,
    /// Whether it is written `allow(rule)`; else it may be meant so, or be a remark.
    pub is_formed: bool,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decl {
    pub kind: DeclKind,
    pub keyword: Span,
    /// Absent in `PlanRest` blocks, in `test` (which has only a title), and where the header is broken.
    pub name: Option<Name>,
    pub title: Option<StringLit>,
    /// `profile production of NAME`, `test "…" of NAME`.
    pub of: Option<Name>,
    /// `type Name = …`.
    pub alias: Option<Type>,
    /// Fields of a record `type`.
    pub fields: Vec<Field>,
    /// Header attributes come first, as clauses with `in_header` set.
    pub clauses: Vec<Clause>,
    pub doc: Option<SmolStr>,
    /// The header line, from the keyword to its last token.
    pub header: Span,
    /// From the keyword to the last token of the body.
    pub span: Span,
}

/// `key: value`, or a clause that starts with a keyword (`on x -> y`, `fail name when …`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clause {
    /// `None`: the key is not a word of the table for this declaration (`unknown-clause`); the value is then `Unknown`.
    /// Also `None` for the lines of a profile, whose value is an `Override`.
    pub key: Option<ClauseKey>,
    /// The key as written, for messages.
    pub name: Name,
    pub value: Value,
    pub in_header: bool,
    pub doc: Option<SmolStr>,
    /// Key and value.
    pub span: Span,
}

/// The value of a clause, by the shape that the table gives its key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Could not be parsed; an error has been reported. Checks skip it.
    Error,
    /// The value of an unknown clause: its tokens were skipped.
    Unknown,
    /// Shapes `Expr`, and `Literal` (an expression that the checker wants constant).
    Expr(Expr),
    /// Shapes `Name`, `Names`: names, dotted names, principals, patterns, separated by commas or spaces.
    Names(Vec<Name>),
    /// `needs:`
    Needs(Vec<Need>),
    /// A string or a raw block of prose (`description:`).
    Text(Text),
    /// `run: |`, `rollback: |`; also `run: "one line"`.
    Script(Raw),
    /// Typed fields with optional defaults: `params`, `input`/`output` of capabilities.
    Fields(Vec<Field>),
    /// `name: expr` lines: `input`, `env`, `given`, `budget`, `limit`, `secrets`.
    Assigns(Vec<Assign>),
    /// `name: type = expr` lines: a task's `output`, a plan's `outputs`; also `memory` (with a scope).
    Typed(Vec<TypedAssign>),
    /// `expect`, `requires`, `checks`, `assumes`; also the strings of `network`, `read` and `write`.
    Items(Vec<Expr>),
    /// `each: x in expr by expr`
    Each(Each),
    /// `retry: 3`, `retry: exponential(max: 3, base: 1s) on timeout`
    Retry(Retry),
    /// `do:` lines.
    Steps(Vec<Step>),
    /// `fail name when expr "message"`
    Fail(Fail),
    /// `remember key = expr`
    Remember(Remember),
    /// `supports H when expr by 4`, `refutes …`
    Evidence(Evidence),
    /// `on event -> node`; `when expr -> node`, `else -> node` in decisions.
    Route(Route),
    /// `options:` of a gate.
    Options(Vec<GateOption>),
    /// `effects:`
    Effects(Vec<Effect>),
    /// `100 per 1m`, `$0.002 per call`, several with commas; or a plain integer in `limits`.
    Rates(Vec<Rate>),
    /// `limits:` block: one entry a line.
    Limits(Vec<LimitLine>),
    /// `breaker: 5 failures in 1m, probe after 30s`
    Breaker(Breaker),
    /// `runner: shell("…")`: an expression that is a call.
    Call(Expr),
    /// `trigger:` of a plan: a block of clauses.
    Clauses(Vec<Clause>),
    /// `alert "name" when expr severity:high`
    Alert(Alert),
    /// `applies:` / `for:` selectors of policies.
    Selector(Selector),
    /// `rule name "Title"` of a policy and its clauses.
    Rule(Rule),
    /// `mock …` of a test.
    Mock(Mock),
    /// `approve gate as role/x …`, `reject …` of a test.
    Decide(Decide),
    /// A line of a profile: `research.input.depth: moderate`; the path is `Clause::name`.
    Override(Box<Value>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text {
    String(StringLit),
    Raw(Raw),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    pub kind: NeedKind,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NeedKind {
    /// `b`, `b?`
    Node { name: Name, optional: bool },
    /// `any(a, b)`
    Any(Vec<Name>),
    /// `2 of (a, b, c)`
    Quorum {
        count: u32,
        count_span: Span,
        of: Vec<Name>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    pub name: Name,
    pub ty: Type,
    pub default: Option<Expr>,
    pub doc: Option<SmolStr>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assign {
    pub name: Name,
    pub value: Expr,
    pub doc: Option<SmolStr>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypedAssign {
    pub name: Name,
    pub ty: Type,
    /// `scope:run` of a memory line.
    pub scope: Option<Name>,
    pub value: Option<Expr>,
    pub doc: Option<SmolStr>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Each {
    pub var: Name,
    pub list: Expr,
    pub by: Option<Expr>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retry {
    /// An integer, or a call of `immediate`, `linear`, `exponential`.
    pub policy: Expr,
    pub on: Vec<Name>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub capability: Name,
    pub args: Vec<Arg>,
    pub bind: Option<Name>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fail {
    pub mode: Name,
    pub when: Expr,
    pub message: Option<StringLit>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remember {
    pub key: Name,
    pub value: Expr,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    pub hypothesis: Name,
    pub when: Expr,
    pub by: Expr,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    pub on: RouteOn,
    pub to: Name,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouteOn {
    /// `on failure -> x`, `on HYPOTHESIS -> x`
    Event(Name),
    /// `when expr -> x`
    When(Expr),
    /// `else -> x`
    Else(Span),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GateOption {
    pub name: Name,
    pub title: Option<StringLit>,
    pub note: Option<StringLit>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    pub name: Name,
    pub args: Vec<StringLit>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rate {
    pub amount: Expr,
    /// `None` for a plain number; otherwise a duration literal, or the name `call`.
    pub per: Option<RatePer>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RatePer {
    Duration(Expr),
    Call(Span),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitLine {
    pub name: Name,
    pub rates: Vec<Rate>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breaker {
    pub failures: u32,
    pub within: Expr,
    pub probe: Expr,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    pub name: StringLit,
    pub when: Expr,
    pub severity: Option<Name>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selector {
    /// `task`, `gate`, `decision`, `plan`, `node`.
    pub what: Name,
    pub filter: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    pub name: Name,
    pub title: Option<StringLit>,
    /// `for`, `require`, `deny`, `severity`.
    pub clauses: Vec<Clause>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mock {
    pub target: MockTarget,
    pub by: Option<Name>,
    pub when: Option<Expr>,
    pub replies: Vec<MockReply>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MockTarget {
    Task(Name),
    Capability(Name),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MockReply {
    pub kind: MockReplyKind,
    /// `None`: from here on.
    pub times: Option<u32>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MockReplyKind {
    Value(Expr),
    Fails(Name),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decide {
    pub approve: bool,
    pub gate: Name,
    pub principal: Name,
    pub choosing: Option<Name>,
    pub after: Option<Expr>,
}

/// A type as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Type {
    pub kind: TypeKind,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TypeKind {
    /// `a | b | c`
    Enum(Vec<Name>),
    /// `list[T](5..)?`
    Named {
        name: Name,
        arg: Option<Box<Type>>,
        refine: Option<Refine>,
        optional: bool,
    },
    /// An error was reported here.
    Error,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refine {
    /// `(lo..hi)`, inclusive; each bound a literal, possibly negative.
    Range {
        lo: Option<Box<Expr>>,
        hi: Option<Box<Expr>>,
        span: Span,
    },
    Regex(Name),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

/// Expressions nest at most [`crate::NESTING_MAX`] deep, chains of operators included, so walks may recurse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExprKind {
    /// An error was reported here.
    Error,
    None,
    Bool(bool),
    /// Digits without underscores; may be too large for the checker's integer.
    Int(SmolStr),
    Float(SmolStr),
    /// `5m`: digits and unit as written. The unit is known.
    Quantity {
        number: SmolStr,
        unit: Unit,
    },
    /// `$10.00`: the number.
    Money(SmolStr),
    /// `80%`: the number.
    Ratio(SmolStr),
    Version(SmolStr),
    String(StringLit),
    /// Without the slashes.
    Regex(SmolStr),
    Principal(SmolStr),
    Name(SmolStr),
    /// `it`
    It,
    /// `.x` in a per-item argument: `it.x`.
    ItField(Name),
    List(Vec<Expr>),
    Record(Vec<(RecordKey, Expr)>),
    Call {
        func: Name,
        args: Vec<Arg>,
    },
    /// `lhs | func(args)`
    Pipe {
        lhs: Box<Expr>,
        func: Name,
        args: Vec<Arg>,
    },
    Field {
        base: Box<Expr>,
        name: Name,
    },
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    Unary {
        op: UnaryOp,
        expr: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        op_span: Span,
        lhs: Box<Expr>,
        rhs: Box<Expr>,
    },
    /// `x is none`, `x is not empty`
    Is {
        expr: Box<Expr>,
        not: bool,
        what: IsWhat,
    },
    /// `x as T`
    Cast {
        expr: Box<Expr>,
        ty: Type,
    },
    /// `a if c else b`
    If {
        then: Box<Expr>,
        cond: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// A selector inside a policy's predicate: `after(task where kind == test)`.
    Selector(Box<Selector>),
    /// `web.*` in a policy.
    Pattern(SmolStr),
    /// Parentheses are kept, so that spans and the formatter agree.
    Paren(Box<Expr>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordKey {
    pub text: SmolStr,
    pub span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    Not,
    Neg,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    Coalesce,
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Matches,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IsWhat {
    None,
    Empty,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Ms,
    S,
    M,
    H,
    D,
    W,
    B,
    KB,
    MB,
    GB,
    TB,
    KiB,
    MiB,
    GiB,
    TiB,
}

impl Unit {
    /// Of a duration; the others are of a size.
    pub const fn is_duration(self) -> bool {
        matches!(self, Self::Ms | Self::S | Self::M | Self::H | Self::D | Self::W)
    }
}

/// `"…"`, with the quotes in the span.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StringLit {
    pub parts: Vec<StringPart>,
    pub span: Span,
}

impl StringLit {
    /// The text, if nothing is interpolated.
    pub fn plain(&self) -> Option<SmolStr> {
        match self.parts.as_slice() {
            [] => Some(SmolStr::default()),
            [StringPart::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StringPart {
    /// Unescaped text; adjacent texts are merged.
    Text(SmolStr),
    /// And where it stands, from `{{` to `}}` inclusive.
    Interp(Expr, Span),
}

/// A raw block (`run: |`), or a one-line string used as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raw {
    /// The text with the smallest indentation removed, ending in one newline.
    pub text: SmolStr,
    /// Every `{{ … }}` in `text`, whether or not it is one to the shell: the checker decides by its place.
    pub interps: Vec<RawInterp>,
    /// The block as it stands in the file, from the first content line's indentation to the end of the last line
    /// (of a string: its inside).
    pub span: Span,
    /// For each line of `text`: its offset in `text` and in the block, to map places back.
    pub lines: Vec<RawLine>,
}

impl Raw {
    /// A one-line string of a block as a script.
    pub fn of_string(string: &StringLit, block: &str) -> Self {
        let inside = Span::new(
            string.span.start + 1,
            string.span.end.saturating_sub(1).max(string.span.start + 1),
        );
        let mut text = String::new();
        let mut interps = Vec::new();
        for part in &string.parts {
            match part {
                StringPart::Text(part) => text.push_str(part),
                StringPart::Interp(expr, span) => {
                    let start = text.len() as u32;
                    text.push_str(block.get(span.range()).unwrap_or_default());
                    interps.push(RawInterp {
                        start,
                        end: text.len() as u32,
                        span: *span,
                        expr: Ok(expr.clone()),
                    });
                }
            }
        }
        text.push('\n');
        Self {
            text: text.into(),
            interps,
            span: inside,
            lines: vec![RawLine {
                text_start: 0,
                block_start: inside.start,
            }],
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawLine {
    /// Offset of the line's start in `Raw::text`.
    pub text_start: u32,
    /// Offset of the same character in the block.
    pub block_start: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawInterp {
    /// Byte range in `Raw::text`, from `{{` to `}}` inclusive.
    pub start: u32,
    pub end: u32,
    /// The expression, or what is wrong with it. The spans in both are block-relative. It is an error only if the place
    /// is one where the shell expands, so the parser does not report it.
    pub expr: Result<Expr, SyntaxError>,
    /// Block-relative.
    pub span: Span,
}

/// Which rule an error of the text breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyntaxRule {
    Syntax,
    Indentation,
    TabIndentation,
    UnterminatedString,
    InvalidLiteral,
}

impl SyntaxRule {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Indentation => "indentation",
            Self::TabIndentation => "tab-indentation",
            Self::UnterminatedString => "unterminated-string",
            Self::InvalidLiteral => "invalid-literal",
        }
    }
}

/// One mistake in the text of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    pub rule: SyntaxRule,
    /// The headline: lower case, no full stop, what was seen and what was expected.
    pub message: String,
    /// Block-relative.
    pub span: Span,
    /// Something to type, where there is one.
    pub help: Option<String>,
    /// A repair: replace `span` by the text.
    pub fix: Option<SyntaxFix>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxFix {
    pub title: String,
    pub span: Span,
    pub text: String,
}

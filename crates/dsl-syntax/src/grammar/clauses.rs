//! The values of clauses: one rule a shape of the table, and the heads of declarations.

use chumsky::input::Input as _;
use chumsky::prelude::*;

use super::expr::{self, Place};
use super::{
    Extra, Fault, Input, Rule, Tok, Tokens, Want, any_word, dotted, just_kind, name, principal, span, string, types,
    word,
};
use crate::ast::{
    Alert, Assign, Breaker, Decide, Each, Effect, Evidence, Expr, ExprKind, Fail, Field, GateOption, LimitLine, Mock,
    MockReply, MockReplyKind, MockTarget, Name, Need, NeedKind, Rate, RatePer, Remember, Retry, Route, RouteOn,
    Selector, Span, Step, StringLit, Type, TypedAssign, Use,
};
use crate::token::Kind;

/// The part of a header before its attributes.
#[derive(Clone, Debug, Default)]
pub struct Lead {
    pub name: Option<Name>,
    pub title: Option<StringLit>,
    pub of: Option<Name>,
    pub alias: Option<Type>,
}

/// A `name: type = expr` line, from which fields and outputs are made.
pub type FieldLine = (Name, Type, Option<Expr>);

/// All rules, built once for a chunk.
pub struct Grammar<'t> {
    pub expr: Rule<'t, Expr>,
    pub predicate: Rule<'t, Expr>,
    pub ty: Rule<'t, Type>,
    pub selector: Rule<'t, Selector>,
    pub string: Rule<'t, StringLit>,
    pub strings: Rule<'t, Vec<Expr>>,
    pub name: Rule<'t, Name>,
    pub names: Rule<'t, Vec<Name>>,
    pub patterns: Rule<'t, Vec<Name>>,
    pub needs: Rule<'t, Vec<Need>>,
    pub field: Rule<'t, FieldLine>,
    pub typed: Rule<'t, TypedAssign>,
    pub memory: Rule<'t, TypedAssign>,
    pub assign: Rule<'t, Assign>,
    pub each: Rule<'t, Each>,
    pub retry: Rule<'t, Retry>,
    pub step: Rule<'t, Step>,
    pub fail: Rule<'t, Fail>,
    pub remember: Rule<'t, Remember>,
    pub evidence: Rule<'t, Evidence>,
    pub route: Rule<'t, Route>,
    pub arm: Rule<'t, Route>,
    pub else_arm: Rule<'t, Route>,
    pub option: Rule<'t, GateOption>,
    pub effects: Rule<'t, Vec<Effect>>,
    pub rates: Rule<'t, Vec<Rate>>,
    pub limit: Rule<'t, LimitLine>,
    pub breaker: Rule<'t, Breaker>,
    pub call: Rule<'t, Expr>,
    pub alert: Rule<'t, Alert>,
    pub mock: Rule<'t, Mock>,
    pub decide: Rule<'t, Decide>,
    pub use_: Rule<'t, Use>,
    pub lead: Rule<'t, Lead>,
    pub type_lead: Rule<'t, Lead>,
    pub profile_lead: Rule<'t, Lead>,
    pub test_lead: Rule<'t, Lead>,
}

impl<'t> Grammar<'t> {
    pub fn new() -> Self {
        let expr = expr::expr(Place::Plan);
        let predicate = expr::expr(Place::Policy);
        let string = string(expr.clone()).boxed();
        let ty = types::any();
        let rates = comma_list(rate()).boxed();
        Self {
            ty: ty.clone(),
            selector: expr::selector_clause(predicate.clone()),
            strings: comma_list(string.clone().map(string_expr)).boxed(),
            name: reference().boxed(),
            names: spaced_list(reference()).boxed(),
            patterns: spaced_list(choice((expr::pattern_name(), reference())).labelled(Want::Pattern)).boxed(),
            needs: spaced_list(need()).boxed(),
            field: field(&expr, &ty),
            typed: typed(&expr, &ty),
            memory: memory(&expr, &ty),
            assign: assign(&expr),
            each: each(&expr),
            retry: retry(&expr),
            step: step(&expr),
            fail: fail(&expr, &string),
            remember: remember(&expr),
            evidence: evidence(&expr),
            route: route(),
            arm: arm(&expr),
            else_arm: else_arm(),
            option: option(&string),
            effects: effects(&string),
            limit: limit(&rates),
            rates,
            breaker: breaker(),
            call: call(&expr),
            alert: alert(&expr, &string),
            mock: mock(&expr),
            decide: decide(),
            use_: use_(&string),
            lead: lead(&string),
            type_lead: type_lead(&ty),
            profile_lead: profile_lead(&string),
            test_lead: test_lead(&string),
            expr,
            predicate,
            string,
        }
    }

    /// Reads all of `tokens`; `end` is where a missing token would stand.
    pub fn read<O>(&self, rule: &Rule<'t, O>, tokens: Tokens<'t>, end: u32) -> Result<O, Fault<'t>> {
        let input = tokens.split_token_span(SimpleSpan::from(end..end));
        rule.parse(input).into_result().map_err(|faults| {
            faults.into_iter().next().unwrap_or(Fault {
                span: SimpleSpan::from(end..end),
                found: None,
                expected: Default::default(),
            })
        })
    }
}

// ---------- lists and words ----------

/// A name, a dotted name or a principal.
fn reference<'t>() -> impl Parser<'t, Input<'t>, Name, Extra<'t>> + Clone {
    choice((dotted(), principal())).labelled(Want::Name)
}

fn comma_list<'t, O: 't>(
    item: impl Parser<'t, Input<'t>, O, Extra<'t>> + Clone + 't,
) -> impl Parser<'t, Input<'t>, Vec<O>, Extra<'t>> + Clone {
    item.separated_by(just_kind(Kind::Comma))
        .at_least(1)
        .allow_trailing()
        .collect()
}

/// Items separated by commas or by spaces alone.
fn spaced_list<'t, O: 't>(
    item: impl Parser<'t, Input<'t>, O, Extra<'t>> + Clone + 't,
) -> impl Parser<'t, Input<'t>, Vec<O>, Extra<'t>> + Clone {
    item.separated_by(just_kind(Kind::Comma).or_not())
        .at_least(1)
        .allow_trailing()
        .collect()
}

fn string_expr(string: StringLit) -> Expr {
    Expr {
        span: string.span,
        kind: ExprKind::String(string),
    }
}

fn int<'t>() -> impl Parser<'t, Input<'t>, (u32, Span), Extra<'t>> + Clone {
    select! { Tok { kind: Kind::Int, text } = e => (text, span(e.span())) }
        .labelled(Want::Integer)
        .map(|(text, at): (&str, Span)| {
            (
                text.chars()
                    .filter(|c| *c != '_')
                    .collect::<String>()
                    .parse()
                    .unwrap_or(u32::MAX),
                at,
            )
        })
}

fn duration<'t>() -> impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone {
    expr::number().labelled(Want::Duration)
}

fn arrow<'t>() -> impl Parser<'t, Input<'t>, Tok<'t>, Extra<'t>> + Clone {
    just_kind(Kind::Arrow)
}

// ---------- lines ----------

fn field<'t>(expr: &Rule<'t, Expr>, ty: &Rule<'t, Type>) -> Rule<'t, FieldLine> {
    any_word()
        .then_ignore(just_kind(Kind::Colon))
        .then(ty.clone())
        .then(just_kind(Kind::Assign).ignore_then(expr.clone()).or_not())
        .map(|((name, ty), default)| (name, ty, default))
        .boxed()
}

fn typed<'t>(expr: &Rule<'t, Expr>, ty: &Rule<'t, Type>) -> Rule<'t, TypedAssign> {
    any_word()
        .then_ignore(just_kind(Kind::Colon))
        .then(ty.clone())
        .then_ignore(just_kind(Kind::Assign))
        .then(expr.clone())
        .map_with(|((name, ty), value), e| TypedAssign {
            name,
            ty,
            scope: None,
            value: Some(value),
            doc: None,
            span: span(e.span()),
        })
        .boxed()
}

fn memory<'t>(expr: &Rule<'t, Expr>, ty: &Rule<'t, Type>) -> Rule<'t, TypedAssign> {
    let scope = word("scope", Want::Scope)
        .ignore_then(just_kind(Kind::Colon))
        .ignore_then(name());
    dotted()
        .then_ignore(just_kind(Kind::Colon))
        .then(ty.clone())
        .then(scope)
        .then(just_kind(Kind::Assign).ignore_then(expr.clone()).or_not())
        .map_with(|(((name, ty), scope), value), e| TypedAssign {
            name,
            ty,
            scope: Some(scope),
            value,
            doc: None,
            span: span(e.span()),
        })
        .boxed()
}

fn assign<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Assign> {
    any_word()
        .then_ignore(just_kind(Kind::Colon))
        .then(expr.clone())
        .map_with(|(name, value), e| Assign {
            name,
            value,
            doc: None,
            span: span(e.span()),
        })
        .boxed()
}

fn step<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Step> {
    dotted()
        .then(expr::arguments(expr.clone()))
        .then(arrow().ignore_then(name()).or_not())
        .map_with(|((capability, args), bind), e| Step {
            capability,
            args,
            bind,
            span: span(e.span()),
        })
        .boxed()
}

fn option<'t>(string: &Rule<'t, StringLit>) -> Rule<'t, GateOption> {
    any_word()
        .then(string.clone().or_not())
        .then(just_kind(Kind::Colon).ignore_then(string.clone()).or_not())
        .map_with(|((name, title), note), e| GateOption {
            name,
            title,
            note,
            span: span(e.span()),
        })
        .boxed()
}

fn limit<'t>(rates: &Rule<'t, Vec<Rate>>) -> Rule<'t, LimitLine> {
    any_word()
        .then_ignore(just_kind(Kind::Colon))
        .then(rates.clone())
        .map_with(|(name, rates), e| LimitLine {
            name,
            rates,
            span: span(e.span()),
        })
        .boxed()
}

/// `100`, `100 per 1m`, `$0.50 per call`
fn rate<'t>() -> impl Parser<'t, Input<'t>, Rate, Extra<'t>> + Clone {
    let per = choice((
        word("call", Want::CallWord).map(RatePer::Call),
        duration().map(RatePer::Duration),
    ));
    expr::number()
        .labelled(Want::Literal)
        .then(word("per", Want::Per).ignore_then(per).or_not())
        .map_with(|(amount, per), e| Rate {
            amount,
            per,
            span: span(e.span()),
        })
}

// ---------- values ----------

fn need<'t>() -> impl Parser<'t, Input<'t>, Need, Extra<'t>> + Clone {
    let group = || spaced_list(name()).delimited_by(just_kind(Kind::LParen), just_kind(Kind::RParen));
    let any = word("any", Want::Need).ignore_then(group()).map(NeedKind::Any);
    let quorum = int()
        .then_ignore(word("of", Want::Of))
        .then(group())
        .map(|((count, count_span), of)| NeedKind::Quorum { count, count_span, of });
    let node = name()
        .then(just_kind(Kind::Question).or_not())
        .map(|(name, mark)| NeedKind::Node {
            name,
            optional: mark.is_some(),
        });
    choice((any, quorum, node))
        .map_with(|kind, e| Need {
            kind,
            span: span(e.span()),
        })
        .labelled(Want::Need)
}

fn each<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Each> {
    name()
        .then_ignore(just_kind(Kind::In))
        .then(expr.clone())
        .then(word("by", Want::By).ignore_then(expr.clone()).or_not())
        .map(|((var, list), by)| Each { var, list, by })
        .boxed()
}

fn retry<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Retry> {
    expr.clone()
        .then(word("on", Want::On).ignore_then(spaced_list(name())).or_not())
        .map(|(policy, on)| Retry {
            policy,
            on: on.unwrap_or_default(),
        })
        .boxed()
}

fn effects<'t>(string: &Rule<'t, StringLit>) -> Rule<'t, Vec<Effect>> {
    let args = comma_list(string.clone()).delimited_by(just_kind(Kind::LParen), just_kind(Kind::RParen));
    let effect = name().then(args.or_not()).map_with(|(name, args), e| Effect {
        name,
        args: args.unwrap_or_default(),
        span: span(e.span()),
    });
    comma_list(effect).boxed()
}

fn breaker<'t>() -> Rule<'t, Breaker> {
    int()
        .then_ignore(word("failures", Want::Failures))
        .then_ignore(word("in", Want::InWord))
        .then(duration())
        .then_ignore(just_kind(Kind::Comma))
        .then_ignore(word("probe", Want::Probe))
        .then_ignore(word("after", Want::After))
        .then(duration())
        .map_with(|(((failures, _), within), probe), e| Breaker {
            failures,
            within,
            probe,
            span: span(e.span()),
        })
        .boxed()
}

/// An expression that must be a call.
fn call<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Expr> {
    name()
        .labelled(Want::Function)
        .then(expr::arguments(expr.clone()))
        .map_with(|(func, args), e| Expr {
            kind: ExprKind::Call { func, args },
            span: span(e.span()),
        })
        .boxed()
}

// ---------- clauses that start with a keyword (which the layout has taken) ----------

fn fail<'t>(expr: &Rule<'t, Expr>, string: &Rule<'t, StringLit>) -> Rule<'t, Fail> {
    name()
        .then_ignore(word("when", Want::When))
        .then(expr.clone())
        .then(string.clone().or_not())
        .map(|((mode, when), message)| Fail { mode, when, message })
        .boxed()
}

fn remember<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Remember> {
    dotted()
        .then_ignore(just_kind(Kind::Assign))
        .then(expr.clone())
        .map(|(key, value)| Remember { key, value })
        .boxed()
}

fn evidence<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Evidence> {
    name()
        .then_ignore(word("when", Want::When))
        .then(expr.clone())
        .then_ignore(word("by", Want::By))
        .then(expr::number().labelled(Want::Literal))
        .map(|((hypothesis, when), by)| Evidence { hypothesis, when, by })
        .boxed()
}

fn route<'t>() -> Rule<'t, Route> {
    name()
        .then_ignore(arrow())
        .then(name())
        .map_with(|(event, to), e| Route {
            on: RouteOn::Event(event),
            to,
            span: span(e.span()),
        })
        .boxed()
}

fn arm<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Route> {
    expr.clone()
        .then_ignore(arrow())
        .then(name())
        .map_with(|(when, to), e| Route {
            on: RouteOn::When(when),
            to,
            span: span(e.span()),
        })
        .boxed()
}

/// The span of `else` is set by the layout, which has taken the word.
fn else_arm<'t>() -> Rule<'t, Route> {
    arrow()
        .ignore_then(name())
        .map_with(|to, e| Route {
            on: RouteOn::Else(Span::default()),
            to,
            span: span(e.span()),
        })
        .boxed()
}

fn alert<'t>(expr: &Rule<'t, Expr>, string: &Rule<'t, StringLit>) -> Rule<'t, Alert> {
    let severity = word("severity", Want::Severity)
        .ignore_then(just_kind(Kind::Colon))
        .ignore_then(name());
    string
        .clone()
        .then_ignore(word("when", Want::When))
        .then(expr.clone())
        .then(severity.or_not())
        .map(|((name, when), severity)| Alert { name, when, severity })
        .boxed()
}

/// `web.search by coder when EXPR -> value times 2, then fails timeout`
fn mock<'t>(expr: &Rule<'t, Expr>) -> Rule<'t, Mock> {
    let task = word("task", Want::Task).ignore_then(name()).map(MockTarget::Task);
    let target = choice((task, dotted().map(MockTarget::Capability)));
    let fails = word("fails", Want::Fails)
        .ignore_then(name())
        .map(MockReplyKind::Fails)
        .boxed();
    let value = arrow().ignore_then(expr.clone()).map(MockReplyKind::Value);
    let first = choice((fails.clone(), value)).boxed();
    let next = choice((
        fails,
        arrow().or_not().ignore_then(expr.clone()).map(MockReplyKind::Value),
    ))
    .boxed();
    let times = word("times", Want::Times).ignore_then(int()).map(|(times, _)| times);
    let then = just_kind(Kind::Comma)
        .ignore_then(word("then", Want::Then))
        .ignore_then(next);
    let replies = first
        .then(times.clone().or_not())
        .then(then.then(times.or_not()).repeated().collect::<Vec<_>>())
        .map(|(first, rest)| {
            std::iter::once(first)
                .chain(rest)
                .map(|(kind, times)| MockReply { kind, times })
                .collect::<Vec<_>>()
        });
    target
        .then(word("by", Want::By).ignore_then(name()).or_not())
        .then(word("when", Want::When).ignore_then(expr.clone()).or_not())
        .then(replies)
        .map(|(((target, by), when), replies)| Mock {
            target,
            by,
            when,
            replies,
        })
        .boxed()
}

/// `gate as role/x choosing option after 2h`; whether it approves is the layout's to say.
fn decide<'t>() -> Rule<'t, Decide> {
    name()
        .then_ignore(word("as", Want::As))
        .then(principal())
        .then(word("choosing", Want::Choosing).ignore_then(name()).or_not())
        .then(word("after", Want::After).ignore_then(duration()).or_not())
        .map(|(((gate, principal), choosing), after)| Decide {
            approve: true,
            gate,
            principal,
            choosing,
            after,
        })
        .boxed()
}

// ---------- heads of declarations (after the keyword) ----------

fn use_<'t>(string: &Rule<'t, StringLit>) -> Rule<'t, Use> {
    let whole = string
        .clone()
        .then(word("as", Want::As).ignore_then(name()).or_not())
        .map_with(|(path, alias), e| Use {
            path: Some(path),
            alias,
            picked: Vec::new(),
            span: span(e.span()),
        });
    let picked = dotted()
        .separated_by(just_kind(Kind::Comma))
        .at_least(1)
        .collect()
        .then_ignore(word("from", Want::From))
        .then(string.clone())
        .map_with(|(picked, path), e| Use {
            path: Some(path),
            alias: None,
            picked,
            span: span(e.span()),
        });
    choice((whole, picked)).boxed()
}

fn lead<'t>(string: &Rule<'t, StringLit>) -> Rule<'t, Lead> {
    dotted()
        .then(string.clone().labelled(Want::Title).or_not())
        .map(|(name, title)| Lead {
            name: Some(name),
            title,
            ..Lead::default()
        })
        .boxed()
}

fn type_lead<'t>(ty: &Rule<'t, Type>) -> Rule<'t, Lead> {
    name()
        .then(just_kind(Kind::Assign).ignore_then(ty.clone()).or_not())
        .map(|(name, alias)| Lead {
            name: Some(name),
            alias,
            ..Lead::default()
        })
        .boxed()
}

fn profile_lead<'t>(string: &Rule<'t, StringLit>) -> Rule<'t, Lead> {
    name()
        .then_ignore(word("of", Want::Of))
        .then(dotted())
        .then(string.clone().labelled(Want::Title).or_not())
        .map(|((name, of), title)| Lead {
            name: Some(name),
            of: Some(of),
            title,
            ..Lead::default()
        })
        .boxed()
}

fn test_lead<'t>(string: &Rule<'t, StringLit>) -> Rule<'t, Lead> {
    string
        .clone()
        .labelled(Want::Title)
        .then_ignore(word("of", Want::Of))
        .then(dotted())
        .map(|(title, of)| Lead {
            title: Some(title),
            of: Some(of),
            ..Lead::default()
        })
        .boxed()
}

/// A field of a record or a capability.
impl From<FieldLine> for Field {
    fn from((name, ty, default): FieldLine) -> Self {
        let end = default.as_ref().map_or(ty.span, |value| value.span);
        Self {
            span: name.span.cover(end),
            name,
            ty,
            default,
            doc: None,
        }
    }
}

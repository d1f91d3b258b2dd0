//! Names in policies of things that nobody declares: such a rule checks nothing.
//!
//! A policy may be written for plans of other files, so a name is known if any file at hand declares it. Of a file without
//! plans, whose plans may not be at hand, only what is one slip away from something known is called a mistake. Absent:
//! patterns, attributes and kinds, which are judged by the policy alone.

use std::collections::BTreeSet;

use dsl_syntax::ast::{BinaryOp, Clause, Decl, Expr, ExprKind, Name, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::conditions::EFFECTS;
use super::model::{How, What};
use crate::builtin;
use crate::imports::declarations;
use crate::inputs::{Project, SourceFile};
use crate::meant::{is_slip, nearest};
use crate::rules;
use crate::signatures::{Sig, clause, is_script_capability};
use crate::types::Problem;
use crate::walk::{self, path, unparen};

/// What the files at hand declare that policies name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Known {
    capabilities: BTreeSet<SmolStr>,
    secrets: BTreeSet<SmolStr>,
    params: BTreeSet<SmolStr>,
    memory: BTreeSet<SmolStr>,
}

#[salsa::tracked(returns(ref))]
pub(crate) fn known(db: &dyn salsa::Database) -> Known {
    let mut known = Known::default();
    known.capabilities.extend(builtin::names());
    known
        .capabilities
        .extend(["shell", "bash", "sh", "python"].map(SmolStr::from));
    for &file in Project::get(db).files(db).values() {
        for (_, sig) in declarations(db, file).iter() {
            match sig {
                Sig::Capability(sig) => _ = known.capabilities.insert(sig.name.clone()),
                Sig::Agent(sig) => known.capabilities.extend(sig.provides.iter().cloned()),
                Sig::Plan(sig) | Sig::PlanRest(sig) => {
                    known.secrets.extend(sig.secrets.iter().cloned());
                    known.params.extend(sig.params.iter().map(|field| field.name.clone()));
                    known.memory.extend(sig.memory.iter().map(|field| field.name.clone()));
                }
                _ => {}
            }
        }
    }
    known
}

/// Whether the file has plans or nodes of its own, for which its policies are.
pub(crate) fn has_plans(db: &dyn salsa::Database, file: SourceFile) -> bool {
    let plans = &crate::plans::file_plans(db, file).plans;
    plans
        .iter()
        .any(|plan| !plan.clauses.is_empty() || !plan.nodes.is_empty())
}

/// The names of a policy that nothing is called.
pub(crate) struct Names<'a> {
    pub known: &'a Known,
    /// Whether the plans that the policy is for are at hand.
    pub is_whole: bool,
    pub found: Vec<Problem>,
}

impl Names<'_> {
    pub fn policy(&mut self, decl: &Decl) {
        if let Some(Value::Clauses(clauses)) = clause(decl, K::Allow).map(|clause| &clause.value) {
            clauses.iter().for_each(|clause| self.allowed(clause));
        }
        for clause in &decl.clauses {
            walk::exprs(&clause.value, &mut |expr| {
                walk::deep(expr, &mut |inner| self.expr(inner));
            });
        }
    }

    fn allowed(&mut self, clause: &Clause) {
        let (Some(K::Capabilities), Value::Names(names)) = (clause.key, &clause.value) else {
            return;
        };
        for name in names.iter().filter(|name| !name.text.contains('*')) {
            self.capability(&name.text, name.span);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call { func, args } if func.text == "flow" => {
                args.iter().for_each(|arg| self.end(&arg.value));
            }
            ExprKind::Call { func, args } if How::ALL.iter().any(|how| how.word() == func.text) => {
                for arg in args {
                    self.dotted(&arg.value);
                }
            }
            ExprKind::Binary {
                op: BinaryOp::Eq | BinaryOp::Ne,
                lhs,
                rhs,
                ..
            } if matches!(&unparen(lhs).kind, ExprKind::Name(name) if name == "using") => self.dotted(rhs),
            _ => {}
        }
    }

    /// A capability with a dot in its name; other words mean other things.
    fn dotted(&mut self, expr: &Expr) {
        let expr = unparen(expr);
        if let Some(names) = path(expr).filter(|names| names.len() > 1) {
            self.capability(&joined(&names), expr.span);
        }
    }

    /// An end of a flow.
    fn end(&mut self, expr: &Expr) {
        let expr = unparen(expr);
        let Some(names) = path(expr) else { return };
        let (group, member) = (names[0].text.as_str(), joined(&names[1..]));
        let known = self.known;
        let of_member = |names: &[Name]| names[1].span.cover(names[names.len() - 1].span);
        match (group, member.as_str()) {
            ("secrets" | "params" | "memory", "") => {}
            ("secrets", name) => self.unknown("secret", name, of_member(&names), &known.secrets),
            ("params", name) => self.unknown("parameter", name, of_member(&names), &known.params),
            ("memory", name) => self.unknown("memory key", name, of_member(&names), &known.memory),
            (word, "") if What::from_word(word).is_some() => {}
            _ => self.capability(&joined(&names), expr.span),
        }
    }

    fn capability(&mut self, name: &str, span: Span) {
        let known = self.known;
        if EFFECTS.contains(&name) && !known.capabilities.contains(name) {
            let selector = format!("task where effects == {name}");
            let problem = Problem::new(
                rules::UNRESOLVED_NAME,
                span,
                format!("there is no capability `{name}`: that is an effect"),
            );
            let edits = vec![(span, selector.clone())];
            let problem = problem.help(format!("write `{selector}`"));
            self.found
                .push(problem.fix(format!("write `{selector}`"), false, edits));
        } else if !is_script_capability(name) {
            self.unknown("capability", name, span, &known.capabilities);
        }
    }

    fn unknown(&mut self, what: &str, name: &str, span: Span, known: &BTreeSet<SmolStr>) {
        if known.contains(name) {
            return;
        }
        let candidates: Vec<SmolStr> = known.iter().cloned().collect();
        let near = nearest(name, &candidates);
        if !self.is_whole && !near.first().is_some_and(|near| is_slip(name, near)) {
            return;
        }
        let message = match what {
            "capability" => format!("there is no capability `{name}`, so this is about nothing"),
            _ => format!("no plan has a {what} `{name}`, so this is about nothing"),
        };
        let mut problem = Problem::new(rules::UNRESOLVED_NAME, span, message).nearest(name, &candidates);
        let all = format!("{name}.*");
        if what == "capability" && known.iter().any(|known| known.starts_with(&all[..=name.len()])) {
            let edits = vec![(span, all.clone())];
            problem.fixes.clear();
            problem = problem
                .help(format!("write `{all}`"))
                .fix(format!("write `{all}`"), false, edits);
        } else if problem.help.is_none() && what == "capability" && !name.contains('.') {
            problem = problem.help(format!("for the node of that name write `node where id == {name}`"));
        }
        self.found.push(problem);
    }
}

fn joined(names: &[Name]) -> SmolStr {
    let words: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
    words.join(".").into()
}

//! What a clause may read, and the types of what stands before the cursor: the checker's own inference, over names as
//! completion knows them.
//!
//! Nothing is reported, and what is not known has no members. Absent: what is offered.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use dsl_syntax::ast::{Decl, Name, Span, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use dsl_syntax::{parse_expr, parse_type};
use ir::Ref;
use ir::types::{Type, Types};
use smol_str::SmolStr;

use super::candidates::Candidates;
use super::expected::Wants;
use super::line::is_path;
use crate::check::{NODE_STATUSES, RUN_STATUSES, Reads, agent_type, error_type, node_outputs};
use crate::scope::{PlanScope, TypedField};
use crate::signatures::Work;
use crate::types::{BUILTIN_TYPES, Env, Lookup, Namespace, Report, infer, resolve_type};

/// What a clause may read.
#[derive(Clone, Copy)]
pub(super) struct Sees {
    pub reads: Reads,
    /// Its own outputs, by bare names.
    pub own: bool,
    pub captures: bool,
    pub each: bool,
    pub input: bool,
}

impl Sees {
    pub const NOTHING: Self = Self {
        reads: Reads::NOTHING,
        own: false,
        captures: false,
        each: false,
        input: false,
    };

    pub fn of(decl: &Decl, key: Option<K>, in_node: bool) -> Self {
        let reads = |reads| Self { reads, ..Self::NOTHING };
        let Some(key) = key else {
            return match decl.kind {
                // the title
                DeclKind::Task => Self {
                    each: true,
                    input: true,
                    ..reads(Reads::NODE)
                },
                DeclKind::Gate | DeclKind::Decision => reads(Reads::NODE),
                DeclKind::Hypothesis => reads(Reads::PLAN),
                _ => Self::NOTHING,
            };
        };
        match (decl.kind, key) {
            (DeclKind::Task, K::When | K::Each) => reads(Reads::NODE),
            (DeclKind::Task, K::By | K::Input) => Self {
                each: true,
                ..reads(Reads::NODE)
            },
            (DeclKind::Task, K::Output) => Self {
                captures: true,
                each: true,
                input: true,
                ..reads(Reads::OBSERVING)
            },
            (DeclKind::Task, K::Expect) => Self {
                captures: true,
                own: true,
                each: true,
                input: true,
                ..reads(Reads::OBSERVING)
            },
            (DeclKind::Task, K::Fail | K::Remember | K::Supports | K::Refutes) => Self {
                captures: true,
                own: true,
                each: true,
                input: true,
                ..reads(Reads::NODE)
            },
            (DeclKind::Task, K::Requires | K::Assumes) => Self {
                each: true,
                input: true,
                ..reads(Reads::REQUIRES)
            },
            (DeclKind::Task, K::Budget) => Self::NOTHING,
            (DeclKind::Task, _) => Self {
                each: true,
                input: true,
                ..reads(Reads::NODE)
            },
            (DeclKind::Gate, K::Checks) => reads(Reads::OBSERVING),
            (DeclKind::Gate | DeclKind::Decision, _) => reads(Reads::NODE),
            (DeclKind::Plan, K::Outputs) => reads(Reads {
                nodes: true,
                ..Reads::PLAN
            }),
            (_, K::Alert) => reads(Reads {
                outcome: true,
                nodes: true,
                ..Reads::PLAN
            }),
            (DeclKind::Plan, K::When) if !in_node => reads(Reads {
                context: true,
                ..Reads::NOTHING
            }),
            (DeclKind::Plan, K::Dir) => reads(Reads::PLAN),
            (DeclKind::Test, K::Expect) => reads(Reads {
                test: true,
                nodes: true,
                outcome: true,
                ..Reads::PLAN
            }),
            _ => Self::NOTHING,
        }
    }
}

/// The values of a group, by their names.
type Values = Rc<[(SmolStr, Type)]>;

/// What names mean at the cursor.
pub(super) struct Reading<'c, 'a> {
    at: &'c Candidates<'a>,
    sees: Sees,
    /// `it`, or the variable of `each`, and what it is.
    item: Option<(SmolStr, Type)>,
    /// The variable of `each` is being looked for itself.
    in_each: bool,
    /// What has been asked for before.
    own: OnceCell<Vec<(SmolStr, Type)>>,
    groups: RefCell<HashMap<SmolStr, Values>>,
}

impl<'c, 'a> Reading<'c, 'a> {
    pub fn new(at: &'c Candidates<'a>, sees: Sees, item: Option<(SmolStr, Type)>) -> Self {
        Self {
            at,
            sees,
            item,
            in_each: false,
            own: OnceCell::new(),
            groups: RefCell::default(),
        }
    }

    /// The type of an expression that is complete.
    pub fn type_of(&self, text: &str) -> Option<Type> {
        let text = match text.strip_prefix('.') {
            Some(_) => format!("it{text}"),
            None => text.to_owned(),
        };
        if let Some((name, ty)) = &self.item
            && let Some(rest) = text
                .strip_prefix(name.as_str())
                .filter(|rest| rest.is_empty() || rest.starts_with('.'))
            && is_path(&text)
        {
            // the checker knows `it` only inside of the call
            let mut steps = rest.split('.').skip(1);
            return steps.try_fold(ty.clone(), |ty, step| {
                let mut fields = self.fields_of(&ty).into_iter();
                fields.find(|(name, _)| name == step).map(|(_, ty)| ty)
            });
        }
        let (expr, errors) = parse_expr(&text);
        if !errors.is_empty() {
            return None;
        }
        let ty = infer(&expr, None, self, &mut Report::default()).ty;
        (!ty.is_error()).then_some(ty)
    }

    /// What follows an operand and a dot; without an operand the members of the item.
    pub fn members_of(&self, operand: &str) -> Vec<(SmolStr, Type)> {
        if operand.is_empty() {
            return self
                .item
                .as_ref()
                .map_or_else(Vec::new, |(_, item)| self.fields_of(item));
        }
        if is_path(operand) {
            let found = self.group(operand);
            if !found.is_empty() {
                return found.to_vec();
            }
        }
        let ty = self.type_of(operand);
        ty.map_or_else(Vec::new, |ty| self.fields_of(&ty))
    }

    /// Of what type the whole expression should be.
    pub fn wanted(&self, wants: Wants<'_>) -> Option<Type> {
        match wants {
            Wants::Anything | Wants::Bool => None,
            Wants::Duration => Some(Type::Duration),
            Wants::Money => Some(Type::Money),
            Wants::Ratio => Some(Type::FLOAT),
            Wants::Path => Some(Type::Path),
            Wants::List => Some(Type::list(Type::Error)),
            Wants::Written(text) => self.written(text),
            Wants::Input(taker, name) => {
                let mut fields = self.at.taken_by(taker).iter();
                fields.find(|field| field.name == name).map(|field| field.ty.clone())
            }
        }
    }

    /// A type by what stands before `=`.
    fn written(&self, text: &str) -> Option<Type> {
        let text = text.split_once(" scope:").map_or(text, |(ty, _)| ty);
        let (ty, errors) = parse_type(text.trim());
        let ty = errors
            .is_empty()
            .then(|| resolve_type(&ty, self, &mut Report::default()))?;
        (!ty.is_error()).then_some(ty)
    }

    /// What a node reads of itself by bare names.
    pub fn own_values(&self) -> &[(SmolStr, Type)] {
        self.own.get_or_init(|| self.read_own_values())
    }

    fn read_own_values(&self) -> Vec<(SmolStr, Type)> {
        let Some(node) = self.at.node else { return Vec::new() };
        let mut found = Vec::new();
        if self.sees.own {
            found.extend(node_outputs(self.at.scope, node));
        }
        if self.sees.each {
            found.extend(self.each());
        }
        if self.sees.captures {
            found.extend(self.captures(&node.work));
            found.extend(self.at.answers());
        }
        let mut seen: Vec<SmolStr> = Vec::new();
        found.retain(|(name, _)| {
            let is_new = !seen.contains(name);
            seen.push(name.clone());
            is_new
        });
        found
    }

    fn captures(&self, work: &Work) -> Vec<(SmolStr, Type)> {
        let record = |fields: &[TypedField]| {
            let fields = fields.iter().map(|field| (field.name.clone(), field.ty.clone()));
            Type::Fields(fields.collect())
        };
        let result = match work {
            Work::Script => {
                return vec![
                    ("stdout".into(), Type::STRING),
                    ("stderr".into(), Type::STRING),
                    ("exit".into(), Type::INT),
                    ("duration".into(), Type::Duration),
                ];
            }
            Work::Capability(name) => self.at.scope.capabilities.get(name).map(|found| record(&found.output)),
            Work::Call(name) => self.at.scope.plans.get(name).map(|found| record(&found.plan.outputs)),
            _ => return Vec::new(),
        };
        vec![
            ("result".into(), result.unwrap_or(Type::Json)),
            ("duration".into(), Type::Duration),
        ]
    }

    fn each(&self) -> Option<(SmolStr, Type)> {
        let clauses = self.at.decl.map_or(&[][..], |decl| &decl.clauses);
        let each = clauses.iter().find_map(|clause| match &clause.value {
            Value::Each(each) => Some(each),
            _ => None,
        })?;
        let outside = Reading {
            in_each: true,
            ..Reading::new(self.at, Sees::of(self.at.decl?, Some(K::Each), true), None)
        };
        let list = infer(&each.list, None, &outside, &mut Report::default()).ty;
        let item = match list.required() {
            Type::List(list) => list.item.clone(),
            _ => Type::Error,
        };
        Some((each.var.text.clone(), item))
    }

    /// The values of a group, by its path.
    fn group(&self, path: &str) -> Values {
        if let Some(known) = self.groups.borrow().get(path) {
            return known.clone();
        }
        let found: Values = self.read_group(path).into();
        self.groups.borrow_mut().insert(path.into(), found.clone());
        found
    }

    fn read_group(&self, path: &str) -> Vec<(SmolStr, Type)> {
        let typed = |fields: &[TypedField]| -> Vec<(SmolStr, Type)> {
            fields
                .iter()
                .map(|field| (field.name.clone(), field.ty.clone()))
                .collect()
        };
        let given = |fields: &[(&str, Type)]| -> Vec<(SmolStr, Type)> {
            fields
                .iter()
                .map(|(name, ty)| (SmolStr::from(*name), ty.clone()))
                .collect()
        };
        let of_plan =
            |of: fn(&PlanScope) -> &[TypedField]| self.at.shape.map_or_else(Vec::new, |shape| typed(of(shape)));
        let reads = self.sees.reads;
        match path {
            "params" if reads.run => of_plan(PlanScope::params),
            "memory" if reads.run => of_plan(PlanScope::memory),
            memory if reads.run && memory.starts_with("memory.") => {
                let inner = &memory["memory.".len()..];
                let all = of_plan(PlanScope::memory).into_iter();
                all.filter_map(|(name, ty)| Some((name.strip_prefix(inner)?.strip_prefix('.')?.into(), ty)))
                    .collect()
            }
            "outputs" if reads.test => of_plan(PlanScope::outputs),
            "secrets" if reads.run => {
                let secrets = self.at.shape.map_or(&[][..], |shape| &shape.secrets);
                let secret = Type::Secret(Box::new(Type::STRING));
                secrets.iter().map(|name| (name.clone(), secret.clone())).collect()
            }
            "budget" if reads.run => {
                let budget = self.at.shape.map_or(&[][..], |shape| &shape.budget);
                budget.iter().map(|name| (name.clone(), budget_type(name))).collect()
            }
            "run" if reads.run => {
                let mut found = Vec::new();
                if reads.outcome {
                    let status = Type::Enum(RUN_STATUSES.iter().map(|word| (*word).into()).collect());
                    found.extend(given(&[
                        ("status", status),
                        ("duration", Type::Duration),
                        ("cost", Type::Money),
                        ("tokens", Type::INT),
                    ]));
                }
                found.extend(given(&[
                    ("id", Type::STRING),
                    ("started", Type::Time),
                    ("workspace", Type::Path),
                ]));
                found
            }
            "task" if reads.task => {
                let mut found = given(&[("id", Type::STRING), ("key", Type::STRING), ("attempt", Type::INT)]);
                let agents = self.at.node.map_or(&[][..], |node| &node.by);
                if !agents.is_empty() {
                    found.push(("agent".into(), agent_type(agents)));
                }
                found
            }
            "plan" if reads.run => given(&[("name", Type::STRING), ("version", Type::Version)]),
            "system" if reads.world => given(&[
                ("disk", Type::Fields(given(&SPACE).into_iter().collect())),
                ("memory", Type::Fields(given(&SPACE).into_iter().collect())),
                ("cpus", Type::INT),
                ("os", Type::STRING),
                ("arch", Type::STRING),
            ]),
            "network" if reads.world => given(&[("online", Type::Bool)]),
            "input" if self.sees.input => {
                let input = self.at.node.map_or(&[][..], |node| &node.input);
                let known = self.at.taken_by(super::expected::Taker::Work);
                let ty = |name: &SmolStr| {
                    known
                        .iter()
                        .find(|field| field.name == *name)
                        .map(|field| field.ty.clone())
                };
                input
                    .iter()
                    .map(|name| (name.clone(), ty(name).unwrap_or(Type::Json)))
                    .collect()
            }
            name if reads.nodes && !self.own_values().iter().any(|(own, _)| own == name) => self.of_node(name),
            _ => Vec::new(),
        }
    }

    fn of_node(&self, name: &str) -> Vec<(SmolStr, Type)> {
        let Some(sig) = self.at.named(name) else {
            return Vec::new();
        };
        let listed = |ty: Type| if sig.each { Type::list(ty) } else { ty };
        let outputs = node_outputs(self.at.scope, sig).into_iter();
        let mut members: Vec<(SmolStr, Type)> = outputs.map(|(name, ty)| (name, listed(ty))).collect();
        let mut more = |name: &str, ty: Type| {
            if !members.iter().any(|(known, _)| known == name) {
                members.push((name.into(), ty));
            }
        };
        if !sig.options.is_empty() {
            more("choice", Type::Enum(sig.options.clone()));
        }
        more(
            "status",
            Type::Enum(NODE_STATUSES.iter().map(|word| (*word).into()).collect()),
        );
        more("attempts", Type::INT);
        more("duration", Type::Duration);
        more("error", error_type(sig));
        if !sig.by.is_empty() {
            more("agent", agent_type(&sig.by));
        }
        members
    }

    fn fields_of(&self, ty: &Type) -> Vec<(SmolStr, Type)> {
        match ty.required() {
            Type::Record(name) => {
                let record = self.at.scope.types.0.get(name);
                let fields = record.map_or(&[][..], |record| &record.fields);
                fields
                    .iter()
                    .map(|field| (field.name.clone(), field.ty.clone()))
                    .collect()
            }
            Type::Fields(fields) => fields.iter().map(|(name, ty)| (name.clone(), ty.clone())).collect(),
            _ => Vec::new(),
        }
    }
}

/// What is known of a disk and of memory.
const SPACE: [(&str, Type); 2] = [("free", Type::Size), ("total", Type::Size)];

fn budget_type(name: &str) -> Type {
    match name {
        "time" => Type::Duration,
        "cost" => Type::Money,
        _ => Type::INT,
    }
}

impl Env for Reading<'_, '_> {
    fn types(&self) -> &Types {
        &self.at.scope.types
    }

    fn type_named(&self, name: &str) -> Option<Type> {
        self.at.scope.named.get(name).cloned()
    }

    fn type_names(&self) -> Vec<SmolStr> {
        BUILTIN_TYPES.iter().map(|name| SmolStr::from(*name)).collect()
    }

    fn observes(&self) -> bool {
        self.sees.reads.observes
    }

    fn first(&self, name: &str, _: Span, _: &mut Report) -> Lookup {
        if let Some((_, ty)) = self.item.as_ref().filter(|(item, _)| item == name) {
            return Lookup::value(ty.clone(), Ref::Each);
        }
        let own = if self.in_each { &[] } else { self.own_values() };
        if let Some((_, ty)) = own.iter().find(|(own, _)| own == name) {
            return Lookup::value(ty.clone(), Ref::Each);
        }
        match self.group(name).is_empty() {
            true => Lookup::Silenced,
            false => Lookup::Namespace(Namespace {
                path: name.into(),
                id: 0,
            }),
        }
    }

    fn member(&self, of: &Namespace, name: &Name, _: &mut Report) -> Lookup {
        let group = self.group(&of.path);
        let found = group.iter().find(|(member, _)| *member == name.text);
        found.map_or(Lookup::Silenced, |(_, ty)| Lookup::value(ty.clone(), Ref::Each))
    }

    /// What tests ask of nodes.
    fn call(&self, func: &Name, _: &[dsl_syntax::ast::Arg], _: &mut Report) -> Option<crate::types::Typed> {
        let ty = match func.text.as_str() {
            "status" => Type::Enum(NODE_STATUSES.iter().map(|word| (*word).into()).collect()),
            "ran" => Type::Bool,
            "attempts" => Type::INT,
            _ => return None,
        };
        let known = self.sees.reads.test;
        known.then(|| crate::types::Typed::new(ir::Expr::Ref(Ref::Each), ty))
    }
}

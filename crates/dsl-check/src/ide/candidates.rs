//! The things that completion offers, by what is expected: nodes that make no loop, members with their types, words of
//! the language.

use std::collections::{BTreeSet, HashSet};

use dsl_syntax::ast::{Decl, Span};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind, Row};
use ir::func::Func;
use ir::plan::{EffectKind, RunnerKind};
use ir::types::Type;
use smol_str::SmolStr;

use super::completion::{Completion, CompletionKind as Kind, Completions, Expected, trailing_word};
use super::waits::reached;
use crate::analysis::Analysis;
use crate::check::{NODE_STATUSES, error_type, kinds, node_outputs};
use crate::diagnostic::BlockRef;
use crate::graph::{BUILTIN_MODES, Edge, EdgeKind, sig_of, topologies};
use crate::inputs::SourceFile;
use crate::plans::{PlanBlocks, file_plans};
use crate::scope::{FileScope, PlanScope, TypedField, scope};
use crate::signatures::{NeedSig, NodeKind, NodeSig, Ties, Work};
use crate::types::BUILTIN_TYPES;

/// Of more, the first are kept whose letters are written, in this order: nobody looks through as many, and an editor
/// asks again.
const OFFERED_MAX: usize = 200;

/// What an empty file can begin with.
pub(super) fn declarations(span: Span) -> Vec<Completion> {
    let kinds = DeclKind::ALL.into_iter().map(|kind| keyword(kind, span));
    kinds.chain([import(span)]).collect()
}

fn keyword(kind: DeclKind, span: Span) -> Completion {
    let insert = match kind {
        DeclKind::Test => "test \"${1:what must hold}\" of ${2:plan}".to_owned(),
        DeclKind::Profile => "profile ${1:name} of ${2:plan}".to_owned(),
        DeclKind::Type => "type ${1:Name}".to_owned(),
        kind => format!("{} ${{1:name}} \"${{2:Title}}\"", kind.keyword()),
    };
    Completion {
        label: kind.keyword().to_owned(),
        kind: Kind::Keyword,
        detail: Some(kind.doc().to_owned()),
        doc: None,
        insert: Some(insert),
        span,
        order: 0,
        about: None,
    }
}

fn import(span: Span) -> Completion {
    Completion {
        label: "use".to_owned(),
        kind: Kind::Keyword,
        detail: Some("brings in the declarations of another file".to_owned()),
        doc: None,
        insert: Some("use \"$1\"".to_owned()),
        span,
        order: 0,
        about: None,
    }
}

pub(super) struct Candidates<'a> {
    decl: Option<&'a Decl>,
    span: Span,
    scope: &'a FileScope,
    /// The kinds of tasks that there are.
    kinds: Vec<SmolStr>,
    shape: Option<&'a PlanScope>,
    plan: Option<&'a PlanBlocks>,
    /// Its file, and its place in it.
    home: Option<(SourceFile, usize)>,
    /// The node that the cursor is in, …
    node: Option<&'a NodeSig>,
    /// … its index in the plan, …
    at: Option<usize>,
    /// … and how it is tied to others.
    ties: Option<&'a Ties>,
    db: &'a crate::inputs::Database,
    pub found: Vec<Completion>,
}

impl<'a> Candidates<'a> {
    pub fn new(analysis: &'a Analysis, block: BlockRef, decl: Option<&'a Decl>, span: Span) -> Self {
        let db = &analysis.db;
        let here = block.chunk.file(db);
        let about = decl.and_then(|decl| decl.of.as_ref());
        let (file, at, node) = match (file_plans(db, here).place(block), about) {
            (Some((plan, node)), _) => (here, Some(plan as usize), node),
            (None, Some(of)) => {
                let home = scope(db, here).plans.get(&of.text).map_or(here, |plan| plan.file);
                (home, file_plans(db, home).named(&of.text), None)
            }
            (None, None) => (here, None, None),
        };
        let plan = at.and_then(|at| file_plans(db, file).plans.get(at));
        Self {
            decl,
            span,
            scope: scope(db, here),
            kinds: kinds(db),
            shape: at.and_then(|at| Self::shape(analysis, file, at)),
            plan,
            home: at.map(|at| (file, at)),
            node: node.and_then(|_| sig_of(db, block)).map(|sig| &**sig),
            at: node.map(|node| node as usize),
            ties: plan.and_then(|plan| Some(&*plan.nodes.get(node? as usize)?.1)),
            db,
            found: Vec::new(),
        }
    }

    fn shape(analysis: &'a Analysis, file: SourceFile, at: usize) -> Option<&'a PlanScope> {
        scope(&analysis.db, file).own.get(at).map(|plan| &**plan)
    }

    pub fn add(&mut self, expected: Expected<'_>, before: &str) {
        match expected {
            Expected::Nothing => {}
            Expected::Declarations => self.found.extend(declarations(self.span)),
            Expected::Clauses { rows, nodes } => self.clauses(rows, nodes),
            Expected::Needs => self.needs(trailing_word(before)),
            Expected::Target => self.targets(),
            Expected::Event => self.events(),
            Expected::Value(row) => self.values(row),
            Expected::Expr(text) => self.expression(text),
            Expected::Type => self.types(),
            Expected::Hypothesis => self.nodes(|_, ties| ties.kind == NodeKind::Hypothesis),
            Expected::Gate => self.nodes(|_, ties| ties.kind == NodeKind::Gate),
            Expected::Mocked => self.mocked(before),
            Expected::MemoryKey => self.fields(|shape| &shape.memory, Kind::Member),
            Expected::Inputs => self.inputs(),
            Expected::Words(words) => self.words(words),
        }
    }

    /// What was found, or as much of it as a person looks at.
    pub fn offered(mut self, before: &str) -> Completions {
        let is_part = self.found.len() > OFFERED_MAX;
        if is_part {
            let written = trailing_word(before).to_lowercase();
            self.found.retain(|one| has_letters(&one.label, &written));
            self.found.truncate(OFFERED_MAX);
        }
        Completions {
            found: self.found,
            is_part,
        }
    }

    fn push(&mut self, label: impl Into<String>, kind: Kind) -> &mut Completion {
        let at = self.found.len();
        self.found.push(Completion {
            label: label.into(),
            kind,
            detail: None,
            doc: None,
            insert: None,
            span: self.span,
            order: 0,
            about: None,
        });
        &mut self.found[at]
    }

    fn words(&mut self, words: &[&str]) {
        for word in words {
            self.push(*word, Kind::Word);
        }
    }

    /// Words, each with what it means.
    fn told(&mut self, words: &[(&str, &str)]) {
        for (word, meaning) in words {
            self.push(*word, Kind::Word).detail = Some((*meaning).to_owned());
        }
    }

    fn clauses(&mut self, rows: &'static [Row], nodes: bool) {
        let taken: HashSet<K> = match self.decl {
            Some(decl) if !nodes || decl.kind == DeclKind::Plan => {
                decl.clauses.iter().filter_map(|one| one.key).collect()
            }
            _ => HashSet::new(),
        };
        for row in rows.iter().filter(|row| row.repeats || !taken.contains(&row.key)) {
            let item = self.push(row.key.word(), Kind::Clause);
            let insert = written(row);
            item.doc = Some(form(row, &insert));
            item.detail = Some(row.doc.to_owned());
            item.insert = Some(insert);
        }
        if nodes {
            let nodes = DeclKind::ALL.into_iter().filter(|kind| kind.is_node());
            self.found.extend(nodes.map(|kind| keyword(kind, self.span)));
        }
    }

    /// Nodes that do not wait for this one, and are not needed already, but by the word that is being written.
    fn needs(&mut self, written: &str) {
        let needs = self.ties.map_or(&[][..], |ties| &ties.needs);
        let names = needs.iter().flat_map(NeedSig::names);
        let needed: Vec<&SmolStr> = names.filter(|name| *name != written).collect();
        // what waits for it would wait for itself
        let waits = self.reached(|edge| Some((edge.on, edge.waits)));
        let me = self.at;
        self.nodes(|at, ties| {
            let is_free = Some(at) != me && !waits.get(at).is_some_and(|waits| *waits);
            is_free && ties.kind != NodeKind::Hypothesis && !needed.contains(&&ties.name)
        });
    }

    /// Nodes that this one does not wait for.
    fn targets(&mut self) {
        let waited_for = self.reached(|edge| Some((edge.waits, edge.on)));
        let me = self.at;
        self.nodes(|at, ties| {
            let is_free = Some(at) != me && !waited_for.get(at).is_some_and(|waits| *waits);
            is_free && ties.kind != NodeKind::Hypothesis
        });
    }

    /// By index of the plan's nodes, those that steps along its edges lead to; empty outside of a node.
    fn reached(&self, step: impl Fn(&Edge) -> Option<(u32, u32)>) -> Vec<bool> {
        let (Some((file, plan)), Some(at)) = (self.home, self.at) else {
            return Vec::new();
        };
        let graph = topologies(self.db, file).get(plan);
        graph.map_or_else(Vec::new, |graph| {
            reached(graph.ties.len(), at as u32, graph.edges.all().iter().filter_map(step))
        })
    }

    /// The node above comes first, then those above that one, then those below.
    fn nodes(&mut self, fits: impl Fn(usize, &Ties) -> bool) {
        let Some(plan) = self.plan else { return };
        let count = plan.nodes.len();
        let here = self.at.unwrap_or(0).min(count);
        let nearest_first = (0..here).rev().chain(here..count);
        for (at, order) in nearest_first.zip(1..) {
            let (_, ties) = &plan.nodes[at];
            if ties.name.is_empty() || !fits(at, ties) {
                continue;
            }
            let kind = match ties.kind {
                NodeKind::Hypothesis => Kind::Hypothesis,
                _ => Kind::Node,
            };
            let item = self.push(ties.name.as_str(), kind);
            item.detail = Some(ties.kind.word().to_owned());
            item.about = Some(ties.name.to_string());
            item.order = order;
        }
    }

    fn events(&mut self) {
        let Some(node) = self.node else { return };
        self.told(&[
            ("success", "it completed"),
            ("failure", "it failed in a way that no other route of it names"),
            ("timeout", "its time was up"),
        ]);
        match node.kind {
            NodeKind::Gate => self.told(&[
                ("approved", "somebody approved it, or its checks hold"),
                ("rejected", "somebody rejected it"),
            ]),
            NodeKind::Decision if self.ties.is_some_and(|ties| ties.from_hypotheses) => {
                self.nodes(|_, ties| ties.kind == NodeKind::Hypothesis)
            }
            _ => self.told(&[("in-doubt", "nobody saw how an attempt ended that must not be repeated")]),
        }
        for mode in node.modes.iter() {
            let item = self.push(mode.as_str(), Kind::Word);
            item.detail = Some("a failure mode of this task".to_owned());
        }
    }

    fn values(&mut self, row: &'static Row) {
        match row.key {
            K::Using | K::Capabilities | K::Provides | K::Do => self.capabilities(),
            K::By => self.agents(),
            K::Kind => self.kinds(),
            K::Fallback => self.targets(),
            K::Call => self.plans(),
            K::Failure => self.told(&[
                (
                    "abort",
                    "start nothing more, let what runs finish, undo what can be undone",
                ),
                ("continue", "finish what does not depend on it"),
            ]),
            K::Severity => self.told(&[
                ("error", "a plan that breaks the rule does not run"),
                ("warning", "a plan that breaks the rule is warned about"),
            ]),
            K::From => self.told(&[("hypotheses", "the explanation whose odds are best decides")]),
            K::Judge => {
                self.told(&[("human", "people are asked")]);
                self.capabilities();
            }
            K::Idempotent | K::Optional => self.words(&["true", "false"]),
            K::Retry => self.calls(&[
                ("immediate", "immediate(max: ${1:2})"),
                ("linear", "linear(max: ${1:3}, base: ${2:1s}, step: ${3:1s})"),
                ("exponential", "exponential(max: ${1:3}, base: ${2:1s})"),
            ]),
            K::Effects => {
                let kinds = EffectKind::ALL.map(|kind| (kind.name(), effect(kind)));
                self.calls(&kinds);
            }
            K::Runner => self.words(&RunnerKind::ALL.map(RunnerKind::name)),
            K::Applies | K::For => self.words(&["task", "gate", "decision", "plan", "node"]),
            K::Approver | K::Owner => self.principals(),
            K::Run | K::Rollback => {
                self.push("|", Kind::Word).insert = Some("|\n  $0".to_owned());
            }
            K::Timeout | K::Cache | K::Time => self.words(&["30s", "5m", "1h"]),
            _ => {}
        }
    }

    fn kinds(&mut self) {
        for kind in std::mem::take(&mut self.kinds) {
            self.push(kind.as_str(), Kind::Word);
        }
    }

    fn calls(&mut self, calls: &[(&str, &str)]) {
        for (name, insert) in calls {
            self.push(*name, Kind::Word).insert = Some((*insert).to_owned());
        }
    }

    /// Those that approve gates of the plan.
    fn principals(&mut self) {
        let Some(plan) = self.plan else { return };
        let gates = plan.nodes.iter().filter(|(_, ties)| ties.kind == NodeKind::Gate);
        let sigs = gates.filter_map(|(block, _)| sig_of(self.db, *block));
        let known: BTreeSet<&SmolStr> = sigs.flat_map(|sig| sig.approvers.iter()).collect();
        for name in known {
            self.push(name.as_str(), Kind::Word);
        }
    }

    fn capabilities(&mut self) {
        let scope = self.scope;
        for (name, capability) in &scope.capabilities {
            let item = self.push(name.as_str(), Kind::Capability);
            item.detail = capability.title.as_ref().map(ToString::to_string);
            item.doc = Some(format!(
                "```plan\n{name}({}) -> {{ {} }}\n```",
                listed(&capability.input),
                listed(&capability.output)
            ));
        }
        self.words(&["shell", "bash", "python"]);
    }

    fn agents(&mut self) {
        let scope = self.scope;
        for name in scope.agents.keys() {
            self.push(name.as_str(), Kind::Agent).about = Some(name.to_string());
        }
    }

    fn plans(&mut self) {
        let (scope, own) = (self.scope, self.shape.map(|shape| shape.name.clone()));
        for (name, plan) in scope.plans.iter().filter(|(name, _)| Some(*name) != own.as_ref()) {
            let item = self.push(name.as_str(), Kind::Plan);
            item.about = Some(name.to_string());
            item.detail = Some(format!("({})", listed(&plan.plan.params)));
        }
    }

    fn types(&mut self) {
        for name in BUILTIN_TYPES {
            let item = self.push(*name, Kind::Type);
            item.insert = matches!(*name, "list" | "map" | "secret").then(|| format!("{name}[$1]"));
        }
        let scope = self.scope;
        for name in scope.named.keys() {
            self.push(name.as_str(), Kind::Type).about = Some(name.to_string());
        }
    }

    fn mocked(&mut self, before: &str) {
        let line = before.lines().next_back().unwrap_or_default().trim_start();
        if line.starts_with("mock task ") {
            self.nodes(|_, ties| ties.kind == NodeKind::Task);
        } else if line.contains(" fails ") {
            self.words(BUILTIN_MODES);
        } else if line.matches(' ').count() <= 1 {
            self.words(&["task", "judge"]);
            self.capabilities();
        }
    }

    /// What may be given to the work of the task, or to the plan of the test.
    fn inputs(&mut self) {
        let fields: Vec<TypedField> = match (self.decl.map(|decl| decl.kind), self.node.map(|node| &node.work)) {
            (Some(DeclKind::Test), _) => self.shape.map_or_else(Vec::new, |shape| shape.params.clone()),
            (_, Some(Work::Capability(name))) => {
                let found = self.scope.capabilities.get(name);
                found.map_or_else(Vec::new, |found| found.input.clone())
            }
            (_, Some(Work::Call(name))) => {
                let found = self.scope.plans.get(name);
                found.map_or_else(Vec::new, |found| found.plan.params.clone())
            }
            _ => Vec::new(),
        };
        let given = self.node.map(|node| node.input.clone()).unwrap_or_default();
        for field in fields.iter().filter(|field| !given.contains(&field.name)) {
            let item = self.push(field.name.as_str(), Kind::Member);
            item.detail = Some(field.ty.to_string());
            item.insert = Some(format!("{}: ", field.name));
        }
    }

    fn fields(&mut self, of: impl Fn(&'a PlanScope) -> &'a [TypedField], kind: Kind) {
        for field in self.shape.map_or(&[][..], of) {
            self.push(field.name.as_str(), kind).detail = Some(field.ty.to_string());
        }
    }

    /// The rest of an expression.
    fn expression(&mut self, text: &str) {
        let word = trailing_word(text);
        let head = &text[..text.len() - word.len()];
        if let Some(path) = head.strip_suffix('.') {
            let path = path_at_end(path);
            if !path.is_empty() {
                self.members(&path);
            }
            return;
        }
        let trimmed = head.trim_end();
        if let Some(compared) = trimmed.strip_suffix("==").or_else(|| trimmed.strip_suffix("!=")) {
            self.members_of_enumeration(&path_at_end(compared.trim_end()));
        }
        let piped = trimmed.ends_with('|');
        self.functions(piped);
        if piped {
            return;
        }
        self.own_values();
        for group in ["params", "memory", "secrets", "run", "task", "plan", "budget"] {
            if self.has_group(group) {
                self.push(group, Kind::Group).insert = Some(format!("{group}."));
            }
        }
        if self.decl.is_some_and(|decl| decl.kind == DeclKind::Test) {
            self.words(&["status", "ran", "attempts", "remembered"]);
            self.push("outputs", Kind::Group);
            self.nodes(|_, ties| ties.kind != NodeKind::Hypothesis);
        } else if self.at.is_some() {
            // whoever stands in for a need is read under the name of the need
            let is_own = |edge: &Edge| !matches!(edge.kind, EdgeKind::StandIn { .. });
            let upstream = self.reached(|edge| is_own(edge).then_some((edge.waits, edge.on)));
            self.nodes(|at, _| upstream.get(at).is_some_and(|is_upstream| *is_upstream));
        } else {
            self.nodes(|_, ties| ties.kind != NodeKind::Hypothesis);
        }
        self.words(&["true", "false", "none", "and", "or", "not"]);
    }

    fn has_group(&self, group: &str) -> bool {
        let Some(shape) = self.shape else { return false };
        match group {
            "params" => !shape.params.is_empty(),
            "memory" => !shape.memory.is_empty(),
            "secrets" => !shape.secrets.is_empty(),
            "budget" => !shape.budget.is_empty(),
            "task" => self.node.is_some(),
            _ => true,
        }
    }

    fn functions(&mut self, piped: bool) {
        for &func in Func::ALL {
            let one = func.arity() == (1, Some(1));
            let item = self.push(func.name(), Kind::Function);
            item.detail = Some(func.signature().to_owned());
            item.doc = Some(func.doc().to_owned());
            let rest = if piped && one { "" } else { "($1)" };
            item.insert = Some(format!("{}{rest}", func.name()));
        }
    }

    /// What the node reads of itself.
    fn own_values(&mut self) {
        let Some(node) = self.node else { return };
        for (name, ty) in node_outputs(self.scope, node) {
            self.push(name.as_str(), Kind::Member).detail = Some(ty.to_string());
        }
        let captures: &[(&str, &str)] = match node.work {
            Work::Script => &[
                ("stdout", "string"),
                ("stderr", "string"),
                ("exit", "int"),
                ("duration", "duration"),
            ],
            Work::Capability(_) => &[("result", "what it answered"), ("duration", "duration")],
            _ => &[],
        };
        for (name, ty) in captures {
            if !self.found.iter().any(|one| one.label == *name) {
                self.push(*name, Kind::Member).detail = Some((*ty).to_owned());
            }
        }
        for clause in self.decl.map_or(&[][..], |decl| &decl.clauses) {
            if let dsl_syntax::ast::Value::Each(each) = &clause.value {
                self.push(each.var.text.as_str(), Kind::Member).detail = Some("the item".to_owned());
            }
        }
        if !node.input.is_empty() {
            self.push("input", Kind::Group);
        }
    }

    fn members_of_enumeration(&mut self, path: &[&str]) {
        if let Some(Type::Enum(members)) = self.type_of(path).map(|ty| ty.required().clone()) {
            for member in members {
                self.push(member.as_str(), Kind::Word);
            }
        }
    }

    /// What can follow a path and a dot.
    fn members(&mut self, path: &[&str]) {
        for (name, ty) in self.members_at(path) {
            let item = self.push(name.as_str(), Kind::Member);
            item.detail = Some(ty.to_string());
            // further down a type has all that there is to say
            item.about = match path {
                [group] => Some(format!("{group}.{name}")),
                _ => None,
            };
        }
    }

    fn type_of(&self, path: &[&str]) -> Option<Type> {
        let (last, outer) = path.split_last()?;
        let members = if outer.is_empty() {
            node_outputs(self.scope, self.node?)
        } else {
            self.members_at(outer)
        };
        members.into_iter().find(|(name, _)| name == last).map(|(_, ty)| ty)
    }

    fn members_at(&self, path: &[&str]) -> Vec<(SmolStr, Type)> {
        let [group] = path else {
            return self
                .type_of(path)
                .map_or_else(Vec::new, |ty| self.fields_of(ty.required()));
        };
        let typed = |fields: &[TypedField]| {
            fields
                .iter()
                .map(|field| (field.name.clone(), field.ty.clone()))
                .collect()
        };
        let given = |fields: &[(&str, Type)]| {
            fields
                .iter()
                .map(|(name, ty)| (SmolStr::from(*name), ty.clone()))
                .collect()
        };
        let of_plan = |of: fn(&PlanScope) -> &[TypedField]| self.shape.map_or_else(Vec::new, |shape| typed(of(shape)));
        match *group {
            "params" => of_plan(|shape| &shape.params),
            "memory" => of_plan(|shape| &shape.memory),
            "outputs" => of_plan(|shape| &shape.outputs),
            "secrets" => {
                let secrets = self.shape.map_or(&[][..], |shape| &shape.secrets);
                secrets
                    .iter()
                    .map(|name| (name.clone(), Type::Secret(Box::new(Type::STRING))))
                    .collect()
            }
            "budget" => {
                let budget = self.shape.map_or(&[][..], |shape| &shape.budget);
                budget.iter().map(|name| (name.clone(), budget_type(name))).collect()
            }
            "run" => given(&[("id", Type::STRING), ("started", Type::Time), ("workspace", Type::Path)]),
            "task" => given(&[("id", Type::STRING), ("key", Type::STRING), ("attempt", Type::INT)]),
            "plan" => given(&[("name", Type::STRING), ("version", Type::Version)]),
            "input" => {
                let input = self.node.map(|node| node.input.clone()).unwrap_or_default();
                input.iter().map(|name| (name.clone(), Type::Json)).collect()
            }
            name => self.node_members(name),
        }
    }

    fn node_members(&self, name: &str) -> Vec<(SmolStr, Type)> {
        let found = self
            .plan
            .and_then(|plan| plan.nodes.iter().find(|(_, sig)| sig.name == name));
        let Some(sig) = found.and_then(|(block, _)| sig_of(self.db, *block)) else {
            return self
                .type_of(&[name])
                .map_or_else(Vec::new, |ty| self.fields_of(ty.required()));
        };
        let listed = |ty: Type| if sig.each { Type::list(ty) } else { ty };
        let outputs = node_outputs(self.scope, sig).into_iter();
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
        members
    }

    fn fields_of(&self, ty: &Type) -> Vec<(SmolStr, Type)> {
        match ty {
            Type::Record(name) => {
                let record = self.scope.types.0.get(name);
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

/// Whether a label has these letters, in this order, as editors filter.
fn has_letters(label: &str, written: &str) -> bool {
    let mut letters = label.chars().flat_map(char::to_lowercase);
    written.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

/// `query: string, limit: int`
fn listed(fields: &[TypedField]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|field| format!("{}: {}", field.name, field.ty))
        .collect();
    fields.join(", ")
}

/// A clause with the start of its value.
fn written(row: &Row) -> String {
    let key = row.key.word();
    match (row.key, row.shape) {
        (K::On, _) => "on ${1:failure} -> $0".to_owned(),
        (K::When, table::Shape::Arm) => "when $1 -> $0".to_owned(),
        (K::Else, _) => "else -> $0".to_owned(),
        (K::Fail, _) => "fail ${1:mode} when $0".to_owned(),
        (K::Remember, _) => "remember ${1:key} = $0".to_owned(),
        (K::Supports | K::Refutes, _) => format!("{key} ${{1:hypothesis}} when ${{2:condition}} by ${{3:4}}"),
        (K::Alert | K::Rule | K::Mock | K::Approve | K::Reject, _) => format!("{key} $0"),
        (_, table::Shape::Script) => format!("{key}: |\n  $0"),
        (_, table::Shape::Items) => format!("{key}:\n  - $0"),
        (
            _,
            table::Shape::Fields
            | table::Shape::Typed
            | table::Shape::Assigns
            | table::Shape::Memory
            | table::Shape::Limits
            | table::Shape::Steps
            | table::Shape::Trigger
            | table::Shape::Options,
        ) => format!("{key}:\n  $0"),
        _ => format!("{key}: $0"),
    }
}

/// A clause as it is written, and what its number is.
fn form(row: &Row, snippet: &str) -> String {
    let mut form = String::new();
    let mut rest = snippet;
    while let Some((before, stop)) = rest.split_once('$') {
        form.push_str(before);
        // `${1:name}`, `$1`
        let (text, after) = match stop.strip_prefix('{').and_then(|stop| stop.split_once('}')) {
            Some((stop, after)) => (stop.split_once(':').map_or("…", |(_, text)| text), after),
            None => ("…", stop.trim_start_matches(|c: char| c.is_ascii_digit())),
        };
        form.push_str(text);
        rest = after;
    }
    form.push_str(rest);
    let number = match (row.required, row.repeats) {
        (true, _) => "\n\nIt has to be there.",
        (_, true) => "\n\nIt may stand more than once.",
        _ => "",
    };
    format!("```plan\n{form}\n```\n{}{number}", row.doc)
}

fn effect(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Read => "read(\"$1\")",
        EffectKind::Write => "write(\"$1\")",
        EffectKind::Network => "network(\"$1\")",
        EffectKind::Spend => "spend",
        EffectKind::Destructive => "destructive",
    }
}

fn budget_type(name: &str) -> Type {
    match name {
        "time" => Type::Duration,
        "cost" => Type::Money,
        _ => Type::INT,
    }
}

/// The dotted path with which a text ends: `a.b` of `x + a.b`.
fn path_at_end(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let path = text[text.trim_end_matches(is_part).len()..].trim_start_matches(['-', '.']);
    if path.is_empty() {
        Vec::new()
    } else {
        path.split('.').collect()
    }
}

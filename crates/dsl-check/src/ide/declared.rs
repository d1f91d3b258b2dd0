//! Where the things that names stand for are declared: from a place in a text to a place in another.
//!
//! What only types tell apart (fields, members of enumerations) is what the checker takes it for. Absent: uses
//! ([`super::references`]), and things of the language, which are declared nowhere.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use dsl_syntax::ast::{Decl, MockTarget, Name, Span, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use ir::types::Type;
use smol_str::SmolStr;

use super::things::{Thing, member_span, members, own_member};
use crate::analysis::Analysis;
use crate::calls::{PlanRef, calls};
use crate::check::{Meaning, What, capability_of, meanings};
use crate::diagnostic::{BlockRef, Place, Target};
use crate::graph::{graphs, sig_of, topologies};
use crate::imports::{Space, declarations, declared, visible};
use crate::inputs::SourceFile;
use crate::places::{block_of, decl_of};
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::{NodeSig, Work};

/// What the checker made of the names of blocks, asked once for each block.
#[derive(Default)]
pub(super) struct Asked {
    blocks: HashMap<BlockRef, Rc<Vec<Meaning>>>,
    members: HashMap<MemberKey, Option<Place>>,
}

/// Where it is asked, what an enumeration's members are, sorted, and which of them is meant.
type MemberKey = (SourceFile, Option<usize>, Vec<SmolStr>, SmolStr);

impl Asked {
    /// What types make of the name that stands there.
    pub fn meaning(&mut self, analysis: &Analysis, block: BlockRef, name: Span) -> Option<Meaning> {
        let of_block = self.blocks.entry(block).or_insert_with(|| {
            let tree = block_of(&analysis.db, block);
            Rc::new(tree.map_or_else(Vec::new, |tree| meanings(&analysis.db, block, tree)))
        });
        of_block.iter().find(|meaning| meaning.name == name).cloned()
    }
}

/// A plan by its file, and its number there.
pub(super) type PlanAt = (SourceFile, usize);

impl Analysis {
    /// Where the thing is declared that stands at an offset of a block.
    pub(super) fn declaration(&self, asked: &mut Asked, block: BlockRef, thing: &Thing<'_>) -> Option<Place> {
        let file = block.chunk.file(&self.db);
        match thing {
            Thing::Name(name) => self.place_of(file, block, &name.text).or_else(|| {
                let decl = decl_of(&self.db, block)?;
                match decl.name.as_ref().is_some_and(|own| own.span == name.span) {
                    true => Some(Place {
                        block,
                        target: Target::Name,
                    }),
                    false => self.node_of_called(block, &name.text),
                }
            }),
            Thing::Member(name) => Some(self.taken_as(block, name.span)),
            Thing::Path(names) => self.place_of_path(asked, block, names),
            Thing::Word(name, against) => self.place_of_word(asked, block, name, against.as_deref()),
            Thing::Field(name) => self.field_at(asked, block, name),
            Thing::OneOf(name, all) => {
                let all: Vec<SmolStr> = all.iter().map(|one| one.text.clone()).collect();
                let own = || Place::at(block, name.span);
                Some(self.member(asked, file, block, &all, &name.text).unwrap_or_else(own))
            }
            Thing::Argument(of, name) => self.field_of_capability(file, &of.text, "input", &name.text),
            Thing::Event(event) => self.place_of_event(block, event),
            Thing::Fails(MockTarget::Task(task), mode) => self.entry_of(self.node(block, &task.text)?.0, &mode.text),
            Thing::Choosing(gate, option) => self.entry_of(self.node(block, &gate.text)?.0, &option.text),
            Thing::Keyword(_)
            | Thing::Clause(..)
            | Thing::Function(..)
            | Thing::Form(..)
            | Thing::Needs(..)
            | Thing::Fails(MockTarget::Capability(_), _)
            | Thing::Said(..)
            | Thing::Rule(_)
            | Thing::Import(_) => None,
        }
    }

    /// The plan that the block belongs to, or is about.
    pub(super) fn plan_of(&self, block: BlockRef) -> Option<PlanAt> {
        let file = block.chunk.file(&self.db);
        let plans = file_plans(&self.db, file);
        match plans.place(block) {
            Some((plan, _)) => Some((file, plan as usize)),
            None => {
                // a profile or test, about a plan that may be elsewhere
                let of = decl_of(&self.db, block)?.of.as_ref()?;
                let home = scope(&self.db, file).about(&of.text)?.file;
                Some((home, file_plans(&self.db, home).named(&of.text)?))
            }
        }
    }

    /// The node of that name in the plan of the block.
    pub(super) fn node(&self, block: BlockRef, name: &str) -> Option<(BlockRef, Arc<NodeSig>)> {
        let (file, plan) = self.plan_of(block)?;
        let graph = graphs(&self.db, file).get(plan)?;
        let at = graph.find(name)? as usize;
        let (block, _) = file_plans(&self.db, file).plans.get(plan)?.nodes.get(at)?;
        Some((*block, graph.nodes.get(at)?.clone()))
    }

    /// Where a name is declared: a node, else a declaration of the file or of its imports.
    pub(super) fn place_of(&self, file: SourceFile, block: BlockRef, name: &str) -> Option<Place> {
        let spaces = [Space::Type, Space::Capability, Space::Agent, Space::Plan, Space::Policy];
        let node = self.node(block, name).map(|(block, _)| block);
        let declared = || spaces.iter().find_map(|&space| self.block_of_name(file, space, name));
        Some(Place {
            block: node.or_else(declared)?,
            target: Target::Name,
        })
    }

    /// The declaration that a file knows by a name.
    pub(super) fn block_of_name(&self, file: SourceFile, space: Space, name: &str) -> Option<BlockRef> {
        let origin = visible(&self.db, file).get(space, name)?;
        self.block_declaring(origin.file, space, &origin.name)
    }

    pub(super) fn block_declaring(&self, file: SourceFile, space: Space, name: &SmolStr) -> Option<BlockRef> {
        let key = (space, name.clone());
        let mut all = declarations(&self.db, file).iter();
        let (block, _) = all.find(|(_, sig)| declared(sig).as_ref() == Some(&key))?;
        Some(*block)
    }

    fn place_of_path(&self, asked: &mut Asked, block: BlockRef, names: &[Name]) -> Option<Place> {
        let file = block.chunk.file(&self.db);
        let [first, rest @ ..] = names else { return None };
        let decl = decl_of(&self.db, block)?;
        if decl.kind == DeclKind::Profile {
            return self.place_of_setting(block, names);
        }
        if rest.is_empty() {
            let own = own_member(decl, &first.text).map(|span| Place::at(block, span));
            let named = own.or_else(|| self.place_of(file, block, &first.text));
            return named.or_else(|| self.place_of_group(block, decl, &first.text));
        }
        let last = names.last()?;
        let found = match (first.text.as_str(), rest) {
            ("params" | "secrets" | "budget", [member]) => {
                self.member_of_plan(self.plan_of(block)?, &first.text, &member.text)
            }
            ("memory", [member, ..]) => self.member_of_plan(self.plan_of(block)?, "memory", &member.text),
            ("outputs", [member]) if decl.kind == DeclKind::Test => {
                self.member_of_plan(self.plan_of(block)?, "outputs", &member.text)
            }
            ("input", [member]) if self.node(block, "input").is_none() => {
                Some(Place::at(block, member_span(decl, "input", &member.text)?))
            }
            (name, [member]) if own_member(decl, name).is_none() => match self.node(block, name) {
                Some((node, sig)) => Some(self.output_of(node, &sig, &member.text)),
                None => self.of_answer(block, decl, name, last),
            },
            (name, [_]) => self.of_answer(block, decl, name, last),
            _ => None,
        };
        found.or_else(|| self.field_at(asked, block, last)).or_else(|| {
            // names of capabilities have dots
            let text: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            self.place_of(file, block, &text.join("."))
        })
    }

    /// A member of a clause of a plan: a parameter, an output, a secret, a key of its memory, a budget.
    pub(super) fn member_of_plan(&self, (file, plan): PlanAt, key: &str, name: &str) -> Option<Place> {
        let plan = file_plans(&self.db, file).plans.get(plan)?;
        plan.clauses.iter().find_map(|&block| {
            let span = member_span(decl_of(&self.db, block)?, key, name)?;
            Some(Place::at(block, span))
        })
    }

    /// Where the values of a group are declared: a clause of the plan, or of the task.
    fn place_of_group(&self, block: BlockRef, decl: &Decl, group: &str) -> Option<Place> {
        match group {
            "input" => Some(Place::at(block, clause_named(decl, group)?)),
            "params" | "secrets" | "budget" | "memory" | "outputs" => self.clause_of_plan(block, group),
            _ => None,
        }
    }

    fn clause_of_plan(&self, block: BlockRef, key: &str) -> Option<Place> {
        let (file, plan) = self.plan_of(block)?;
        let plan = file_plans(&self.db, file).plans.get(plan)?;
        plan.clauses.iter().find_map(|&block| {
            let clause = clause_named(decl_of(&self.db, block)?, key)?;
            Some(Place::at(block, clause))
        })
    }

    /// A node of a plan that the plan of a test calls, directly or not.
    fn node_of_called(&self, block: BlockRef, name: &str) -> Option<Place> {
        if decl_of(&self.db, block)?.kind != DeclKind::Test {
            return None;
        }
        let (file, at) = self.plan_of(block)?;
        let at = u32::try_from(at).ok()?;
        let (plan, node) = node_of_called(&self.db, PlanRef { file, at }, name)?;
        let plan = file_plans(&self.db, plan.file).plans.get(plan.at as usize)?;
        let (block, _) = plan.nodes.get(node as usize)?;
        Some(Place {
            block: *block,
            target: Target::Name,
        })
    }

    /// What a mock's condition reads: an input of what is mocked.
    fn place_of_mocked(&self, block: BlockRef, name: &Name) -> Option<Place> {
        let decl = decl_of(&self.db, block).filter(|decl| decl.kind == DeclKind::Test)?;
        let mut clauses = decl
            .clauses
            .iter()
            .filter(|clause| clause.span.contains(name.span.start));
        let mock = clauses.find_map(|clause| match &clause.value {
            Value::Mock(mock) => Some(mock),
            _ => None,
        })?;
        match &mock.target {
            MockTarget::Capability(capability) => {
                self.field_of_capability(block.chunk.file(&self.db), &capability.text, "input", &name.text)
            }
            MockTarget::Task(task) => {
                let own = self.node(block, &task.text).map(|(node, _)| node);
                let node = own.or_else(|| Some(self.node_of_called(block, &task.text)?.block))?;
                let span = member_span(decl_of(&self.db, node)?, "input", &name.text)?;
                Some(Place::at(node, span))
            }
        }
    }

    /// A plan by the name that a file calls it by.
    fn plan_called(&self, file: SourceFile, name: &str) -> Option<PlanAt> {
        let shape = scope(&self.db, file).plans.get(name)?;
        Some((shape.file, file_plans(&self.db, shape.file).named(&shape.plan.name)?))
    }

    /// What a node gives under a name; if nobody declares that, the node.
    fn output_of(&self, node: BlockRef, sig: &NodeSig, name: &str) -> Place {
        let own = decl_of(&self.db, node).and_then(|decl| member_span(decl, "output", name));
        let own = own.map(|span| Place::at(node, span));
        let declared = own.or_else(|| match sig.outputs {
            None => self.answer_of(node.chunk.file(&self.db), &sig.work, name),
            Some(_) => None,
        });
        declared.unwrap_or(Place {
            block: node,
            target: Target::Name,
        })
    }

    /// A field of what somebody answers.
    fn answer_of(&self, file: SourceFile, work: &Work, name: &str) -> Option<Place> {
        match work {
            Work::Capability(capability) => self.field_of_capability(file, capability, "output", name),
            Work::Call(plan) => self.member_of_plan(self.plan_called(file, plan)?, "outputs", name),
            _ => None,
        }
    }

    /// A field of `result`, or of what a step's answer is called.
    fn of_answer(&self, block: BlockRef, decl: &Decl, base: &str, field: &Name) -> Option<Place> {
        let file = block.chunk.file(&self.db);
        let mut steps = decl.clauses.iter().flat_map(|clause| match &clause.value {
            Value::Steps(steps) => steps.as_slice(),
            _ => &[],
        });
        let step = steps.find(|step| step.bind.as_ref().is_some_and(|bind| bind.text == base));
        match (step, base) {
            (Some(step), _) => self.field_of_capability(file, &step.capability.text, "output", &field.text),
            (None, "result") => self.answer_of(file, &sig_of(&self.db, block)?.work, &field.text),
            _ => None,
        }
    }

    fn field_of_capability(&self, file: SourceFile, capability: &str, key: &str, name: &str) -> Option<Place> {
        let block = self.block_of_name(file, Space::Capability, capability)?;
        let span = member_span(decl_of(&self.db, block)?, key, name)?;
        Some(Place::at(block, span))
    }

    /// A name by itself: what it is compared with may say which option or way to fail it is.
    fn place_of_word(
        &self,
        asked: &mut Asked,
        block: BlockRef,
        name: &Name,
        against: Option<&[Name]>,
    ) -> Option<Place> {
        let file = block.chunk.file(&self.db);
        let path: Vec<&str> = against
            .unwrap_or_default()
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        if let [node, "choice"] | [node, "error", "kind"] = path.as_slice()
            && let Some((node, _)) = self.node(block, node)
            && let Some(place) = self.entry_of(node, &name.text)
        {
            return Some(place);
        }
        let meant = asked.meaning(self, block, name.span);
        if let Some(What::Member(all)) = meant.as_ref().map(|meaning| &meaning.what) {
            return self.member(asked, file, block, all, &name.text);
        }
        let own = decl_of(&self.db, block).and_then(|decl| own_member(decl, &name.text));
        let own = own.map(|span| Place::at(block, span));
        own.or_else(|| self.place_of_mocked(block, name))
            .or_else(|| self.place_of(file, block, &name.text))
    }

    /// A field that only its record explains.
    fn field_at(&self, asked: &mut Asked, block: BlockRef, name: &Name) -> Option<Place> {
        let Some(Meaning { file, what, .. }) = asked.meaning(self, block, name.span) else {
            return self.answered(block, name);
        };
        let What::Field { of, .. } = &what else { return None };
        let Type::Record(record) = of.required() else {
            return self.answered(block, name);
        };
        let origin = scope(&self.db, file).records.get(record)?;
        let home = self.block_declaring(origin.file, Space::Type, &origin.name)?;
        let mut fields = decl_of(&self.db, home)?.fields.iter();
        let field = fields.find(|field| field.name.text == name.text)?;
        Some(Place::at(home, field.name.span))
    }

    /// A field of what a mocked capability answers.
    fn answered(&self, block: BlockRef, name: &Name) -> Option<Place> {
        let clauses = &decl_of(&self.db, block)?.clauses;
        let clause = clauses.iter().find(|clause| clause.span.contains(name.span.start))?;
        let Value::Mock(mock) = &clause.value else { return None };
        let MockTarget::Capability(capability) = &mock.target else {
            return None;
        };
        self.field_of_capability(block.chunk.file(&self.db), &capability.text, "output", &name.text)
    }

    fn member(
        &self,
        asked: &mut Asked,
        file: SourceFile,
        block: BlockRef,
        all: &[SmolStr],
        name: &SmolStr,
    ) -> Option<Place> {
        let plan = self.plan_of(block);
        let mut sorted = all.to_vec();
        sorted.sort_unstable();
        let key = (file, plan.map(|(_, plan)| plan), sorted, name.clone());
        if let Some(known) = asked.members.get(&key) {
            return known.clone();
        }
        let found = self.place_of_member(file, plan, &key.2, name);
        asked.members.insert(key, found.clone());
        found
    }

    /// What a route or a retry of a node, or of its plan, is about.
    fn place_of_event(&self, block: BlockRef, event: &Name) -> Option<Place> {
        let decl = decl_of(&self.db, block)?;
        if let Some(own) = self.entry_of(block, &event.text) {
            return Some(own);
        }
        match decl.kind {
            DeclKind::Decision => {
                let (node, _) = self.node(block, &event.text)?;
                let target = Target::Name;
                Some(Place { block: node, target })
            }
            DeclKind::Plan => self.mode_of_plan(self.plan_of(block)?, &event.text),
            _ => None,
        }
    }

    /// A way to fail, or an option, that a node declares.
    pub(super) fn entry_of(&self, node: BlockRef, name: &str) -> Option<Place> {
        let clauses = &decl_of(&self.db, node)?.clauses;
        let named = clauses
            .iter()
            .filter(|clause| matches!(clause.key, Some(K::Fail | K::Options)));
        let mut names = named.flat_map(|clause| members(&clause.value));
        let found = names.find(|one| one.text == name)?;
        Some(Place::at(node, found.span))
    }

    /// A path of a profile, as far as it goes.
    fn place_of_setting(&self, block: BlockRef, names: &[Name]) -> Option<Place> {
        let file = block.chunk.file(&self.db);
        let words: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        match words.as_slice() {
            [group @ ("params" | "secrets" | "budget"), member] => {
                self.member_of_plan(self.plan_of(block)?, group, member)
            }
            [node, group @ ("input" | "env" | "budget"), member] => {
                let (node, _) = self.node(block, node)?;
                let span = member_span(decl_of(&self.db, node)?, group, member)?;
                Some(Place::at(node, span))
            }
            [node, clause] if let Some((node, _)) = self.node(block, node) => {
                let clause = clause_named(decl_of(&self.db, node)?, clause)?;
                Some(Place::at(node, clause))
            }
            [clause, ..] if self.node(block, clause).is_none() && self.clause_of_plan(block, clause).is_some() => {
                self.clause_of_plan(block, clause)
            }
            [node] => self.place_of(file, block, node),
            path => {
                let capability = capability_of(scope(&self.db, file), &path.join("."))?;
                self.place_of(file, block, &capability)
            }
        }
    }

    /// What an entry of a clause stands for: what a task or a test gives is what the capability or the plan takes.
    fn taken_as(&self, block: BlockRef, name: Span) -> Place {
        self.taker_of(block, name).unwrap_or_else(|| Place::at(block, name))
    }

    fn taker_of(&self, block: BlockRef, name: Span) -> Option<Place> {
        let decl = decl_of(&self.db, block)?;
        let mut clauses = decl.clauses.iter().filter(|clause| clause.span.contains(name.start));
        let clause = clauses.find(|clause| matches!(clause.key, Some(K::Input | K::Given)))?;
        let entry = members(&clause.value).into_iter().find(|entry| entry.span == name)?;
        let file = block.chunk.file(&self.db);
        if clause.key == Some(K::Given) {
            return self.member_of_plan(self.plan_of(block)?, "params", &entry.text);
        }
        match &sig_of(&self.db, block).filter(|_| decl.kind == DeclKind::Task)?.work {
            Work::Capability(capability) => self.field_of_capability(file, capability, "input", &entry.text),
            Work::Call(plan) => self.member_of_plan(self.plan_called(file, plan)?, "params", &entry.text),
            _ => None,
        }
    }

    /// The place that all uses of a declaration have in common: what is read as `input.x` is what somebody takes.
    pub(super) fn origin_of(&self, place: Place) -> Place {
        match place.target {
            Target::Span(span) => self.taken_as(place.block, span),
            _ => place,
        }
    }
}

/// Where the name of a declaration's clause stands.
fn clause_named(decl: &Decl, name: &str) -> Option<Span> {
    let clause = decl.clauses.iter().find(|clause| clause.name.text == name)?;
    Some(clause.name.span)
}

/// The first node of that name in the plans that a plan calls, directly or not.
pub(super) fn node_of_called(db: &dyn salsa::Database, plan: PlanRef, name: &str) -> Option<(PlanRef, u32)> {
    let mut seen = HashSet::new();
    let mut open = vec![plan];
    while let Some(caller) = open.pop() {
        let made = calls(db, caller.file).get(caller.at as usize);
        for call in made.into_iter().flatten().filter(|call| seen.insert(call.to)) {
            let called = topologies(db, call.to.file).get(call.to.at as usize);
            if let Some(node) = called.and_then(|called| called.find(name)) {
                return Some((call.to, node));
            }
            open.push(call.to);
        }
    }
    None
}

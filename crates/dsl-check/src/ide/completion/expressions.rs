//! Expressions: what an operand can be, what can follow one, and what comes after a dot or a pipe.
//!
//! What has the type that the place wants comes first. Names are those that the clause may read, as the checker has it.

use dsl_syntax::ast::Value;
use ir::func::Func;
use ir::types::Type;
use smol_str::SmolStr;

use super::CompletionKind as Kind;
use super::candidates::Candidates;
use super::expected::{Sought, Wants};
use super::line::{Level, levels, operand_at_end};
use super::reading::{Reading, Sees};
use super::{line, words};
use crate::check::{Reads, node_outputs};
use crate::graph::{Edge, EdgeKind};
use crate::signatures::NodeKind;

/// Functions whose expression is about each item.
const ABOUT_ITEMS: &[&str] = &["where", "map", "sort_by", "any", "all", "count", "sum"];
/// What tests ask of nodes.
const OF_NODES: &[&str] = &["status", "ran", "attempts"];
/// So many nodes upstream are looked through for outputs that fit.
const FITTING_NODES_MAX: usize = 20;

impl Candidates<'_> {
    /// The rest of an expression.
    pub fn expression(&mut self, sought: Sought<'_>) {
        let head = &sought.text[..sought.text.len() - self.word.len().min(sought.text.len())];
        let levels = levels(head);
        let Some(last) = levels.last() else { return };
        let sees = self.sees(sought.key);
        let over = sought
            .over
            .and_then(|(var, list)| Some((var.into(), self.item_of(list, sees)?)));
        let item = self.item(&levels, sees).map(|ty| ("it".into(), ty)).or(over);
        let reading = Reading::new(self, sees, item.clone());
        let wanted = wanted(&reading, &levels, sought.wants);
        if let Some(before) = head.strip_suffix('.') {
            let found = reading.members_of(operand_at_end(before));
            return self.members(operand_at_end(before), found, wanted.as_ref());
        }
        if let Some(piped) = last.part().trim_end().strip_suffix('|') {
            let ty = reading.type_of(piped.trim());
            return self.functions(sees, Some(ty.as_ref()), wanted.as_ref());
        }
        if last.part().trim_end().ends_with(" as") {
            return self.types();
        }
        if self.word.starts_with(|c: char| c.is_ascii_digit()) {
            let all = [words::DURATIONS, words::SIZES, words::RATIOS].concat();
            self.units(wanted.as_ref().map_or(&all, |ty| words::units(ty)));
            return;
        }
        if sees.reads.test && last.called().is_some_and(|called| OF_NODES.contains(&called)) {
            return self.nodes(|_, ties| ties.kind != NodeKind::Hypothesis);
        }
        if self.word.is_empty() && last.part().ends_with([')', ']', '}', '"']) {
            return;
        }
        if is_operand(last.part()) {
            self.told(words::OPERATORS);
            if levels.len() == 1 {
                self.told(sought.then);
            }
            return;
        }
        if let Some(wanted) = &wanted {
            self.constants(wanted);
            self.fitting(wanted, sees);
            if sees.reads == Reads::NOTHING {
                return;
            }
        }
        self.names(sees, item.as_ref());
        if matches!(wanted.as_ref().map(Type::required), Some(Type::Enum(_))) {
            return;
        }
        self.functions(sees, None, wanted.as_ref());
        self.told(words::OPERANDS);
    }

    /// The item that the innermost call goes through.
    fn item(&self, levels: &[Level<'_>], sees: Sees) -> Option<Type> {
        let calls = levels.windows(2).rev();
        let (outer, inner) = calls
            .map(|pair| (&pair[0], &pair[1]))
            .find(|(_, inner)| inner.called().is_some_and(|called| ABOUT_ITEMS.contains(&called)))?;
        self.item_of(inner.first_argument(outer)?, sees)
    }

    fn item_of(&self, list: &str, sees: Sees) -> Option<Type> {
        match Reading::new(self, sees, None).type_of(list.trim())?.required() {
            Type::List(list) => Some(list.item.clone()),
            _ => None,
        }
    }

    /// What can follow a path and a dot.
    fn members(&mut self, path: &str, found: Vec<(SmolStr, Type)>, wanted: Option<&Type>) {
        for ((name, ty), order) in found.into_iter().zip(1..) {
            let item = self.push(name.as_str(), Kind::Member);
            item.order = order;
            item.fits = wanted.is_some_and(|wanted| is_meant(&ty, wanted));
            item.detail = Some(ty.to_string());
            // further down a type has all that there is to say
            item.about = (line::is_word(path) && !path.is_empty()).then(|| format!("{path}.{name}"));
        }
    }

    /// Literals of a type.
    fn constants(&mut self, ty: &Type) {
        match ty.required() {
            Type::Enum(members) => {
                for (member, order) in members.iter().zip(1..) {
                    let item = self.push(member.as_str(), Kind::Word);
                    item.detail = Some(format!("one of {ty}"));
                    item.order = order;
                    item.fits = true;
                }
            }
            ty => self.usual(ty),
        }
    }

    /// Parameters and outputs of the type that is wanted.
    fn fitting(&mut self, wanted: &Type, sees: Sees) {
        let own = Reading::new(self, sees, None).own_values().to_vec();
        for ((name, ty), order) in own.iter().zip(1..).filter(|((_, ty), _)| is_meant(ty, wanted)) {
            self.fits(name.to_string(), ty).order = order;
        }
        let params = self
            .shape
            .filter(|_| sees.reads.run)
            .map_or(&[][..], |shape| &shape.params);
        for field in params.iter().filter(|field| is_meant(&field.ty, wanted)) {
            self.fits(format!("params.{}", field.name), &field.ty);
        }
        if !sees.reads.nodes {
            return;
        }
        let upstream = self.upstream();
        let near = (0..upstream.len())
            .rev()
            .filter(|at| upstream[*at])
            .take(FITTING_NODES_MAX);
        let near: Vec<String> = near
            .filter_map(|at| Some(self.plan?.nodes.get(at)?.1.name.to_string()))
            .collect();
        for name in near {
            let outputs = self.named(&name).map(|sig| (sig.each, node_outputs(self.scope, sig)));
            let Some((each, outputs)) = outputs else { continue };
            for (output, ty) in outputs {
                let ty = if each { Type::list(ty) } else { ty };
                // what every script leaves behind is hardly ever meant
                let is_usual = !matches!(output.as_str(), "stderr" | "exit" | "duration");
                if is_usual && is_meant(&ty, wanted) {
                    self.fits(format!("{name}.{output}"), &ty);
                }
            }
        }
    }

    fn fits(&mut self, path: String, ty: &Type) -> &mut super::Completion {
        let item = self.push(path.clone(), Kind::Member);
        item.detail = Some(ty.to_string());
        item.about = Some(path);
        item.fits = true;
        item.order = 100;
        item
    }

    /// By index, the nodes whose values can be read here.
    fn upstream(&self) -> Vec<bool> {
        // whoever stands in for a need is read under the name of the need
        let is_own = |edge: &Edge| !matches!(edge.kind, EdgeKind::StandIn { .. });
        self.reached(|edge| is_own(edge).then_some((edge.waits, edge.on)))
    }

    /// The names that an operand can begin with.
    fn names(&mut self, sees: Sees, item: Option<&(SmolStr, Type)>) {
        if let Some((name, ty)) = item {
            self.push(name.as_str(), Kind::Member).detail = Some(format!("the item: {ty}"));
        }
        let own = Reading::new(self, sees, None).own_values().to_vec();
        let shown = |found: &[super::Completion], name: &str| found.iter().any(|one| one.fits && one.label == name);
        for ((name, ty), order) in own.into_iter().zip(1..) {
            if !shown(&self.found, &name) {
                let item = self.push(name.as_str(), Kind::Member);
                item.detail = Some(ty.to_string());
                item.order = order;
            }
        }
        for (group, meaning) in words::GROUPS {
            if self.has_group(group, sees) {
                let item = self.push(*group, Kind::Group);
                item.insert = Some(format!("{group}."));
                item.detail = Some((*meaning).to_owned());
            }
        }
        if sees.reads.test {
            self.told(words::ASKED_OF_RUNS);
        }
        if !sees.reads.nodes {
            return;
        }
        if self.at.is_some() {
            let upstream = self.upstream();
            self.nodes(|at, _| upstream.get(at).is_some_and(|is_upstream| *is_upstream));
        } else {
            self.nodes(|_, ties| ties.kind != NodeKind::Hypothesis);
        }
    }

    fn has_group(&self, group: &str, sees: Sees) -> bool {
        let reads = sees.reads;
        let shape = |has: fn(&crate::scope::PlanScope) -> bool| self.shape.is_some_and(has);
        match group {
            "params" => reads.run && shape(|shape| !shape.params.is_empty()),
            "memory" => reads.run && shape(|shape| !shape.memory.is_empty()),
            "secrets" => reads.run && shape(|shape| !shape.secrets.is_empty()),
            "budget" => reads.run && shape(|shape| !shape.budget.is_empty()),
            "run" | "plan" => reads.run,
            "task" => reads.task && self.node.is_some(),
            "input" => sees.input && self.node.is_some_and(|node| !node.input.is_empty()),
            "system" | "network" => reads.world,
            "outputs" => reads.test,
            "context" => reads.context,
            _ => false,
        }
    }

    /// All functions; after a pipe those that take what is piped, if its type is known.
    fn functions(&mut self, sees: Sees, piped: Option<Option<&Type>>, wanted: Option<&Type>) {
        let is_allowed = |func: &Func| sees.reads.observes || !matches!(func, Func::Hash | Func::File | Func::Exists);
        let takes = |func: &Func| piped.flatten().is_none_or(|ty| takes(*func, ty));
        for &func in Func::ALL.iter().filter(|func| is_allowed(func) && takes(func)) {
            let one = func.arity().0 == 1 && func.arity().1.is_some();
            let item = self.push(func.name(), Kind::Function);
            item.detail = Some(func.signature().to_owned());
            item.doc = Some(func.doc().to_owned());
            // there are no other files
            item.fits = func == Func::File && wanted.is_some_and(is_of_files);
            let rest = if piped.is_some() && one { "" } else { "($1)" };
            item.insert = Some(format!("{}{rest}", func.name()));
        }
    }

    /// What a clause may read.
    fn sees(&self, key: Option<dsl_syntax::table::ClauseKey>) -> Sees {
        match self.decl {
            Some(decl) => Sees::of(decl, key, self.node.is_some()),
            None => Sees::NOTHING,
        }
    }

    /// The answers of a task's steps, by the names that it gives them.
    pub fn answers(&self) -> Vec<(SmolStr, Type)> {
        let clauses = self.decl.map_or(&[][..], |decl| &decl.clauses);
        let steps = clauses.iter().filter_map(|clause| match &clause.value {
            Value::Steps(steps) => Some(steps),
            _ => None,
        });
        let answer = |step: &dsl_syntax::ast::Step| {
            let capability = self.scope.capabilities.get(&step.capability.text)?;
            let fields = capability
                .output
                .iter()
                .map(|field| (field.name.clone(), field.ty.clone()));
            Some((step.bind.as_ref()?.text.clone(), Type::Fields(fields.collect())))
        };
        steps.flatten().filter_map(answer).collect()
    }
}

/// Of what type the operand that is being written should be.
fn wanted(reading: &Reading<'_, '_>, levels: &[Level<'_>], wants: Wants<'_>) -> Option<Type> {
    let item_of = |ty: Type| match ty.required() {
        Type::List(list) => Some(list.item.clone()),
        _ => None,
    };
    match levels {
        [.., last] if last.compared().is_some() => {
            let ty = reading.type_of(last.compared()?.trim())?;
            (!last.is_of_list()).then_some(ty)
        }
        [.., outer, last] if last.bracket() == Some('[') => match outer.compared().filter(|_| outer.is_of_list()) {
            Some(compared) => reading.type_of(compared.trim()),
            None if levels.len() == 2 => item_of(reading.wanted(wants)?),
            None => None,
        },
        [only] if only.is_first() => reading.wanted(wants),
        _ => None,
    }
}

/// Whether an operand is complete, and a space behind it.
fn is_operand(part: &str) -> bool {
    let text = part.trim_end();
    let ends = text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '}' | '"' | '%'));
    let last = text.rsplit(' ').next().unwrap_or_default();
    ends && text.len() < part.len() && !matches!(last, "not" | "and" | "or" | "in" | "is" | "if" | "else" | "matches")
}

fn is_of_files(ty: &Type) -> bool {
    match ty.required() {
        Type::List(list) => is_of_files(&list.item),
        ty => *ty == Type::File,
    }
}

/// Whether a value of one type is likely to be meant where the other is wanted.
fn is_meant(ty: &Type, wanted: &Type) -> bool {
    !matches!(wanted.required(), Type::Json | Type::Error | Type::Bool) && is_alike(ty, wanted)
}

/// Whether a value of one type may well stand where the other is wanted.
fn is_alike(ty: &Type, wanted: &Type) -> bool {
    match (ty.required(), wanted.required()) {
        (Type::Enum(some), Type::Enum(wanted)) => some.iter().all(|member| wanted.contains(member)),
        (Type::List(some), Type::List(wanted)) => is_alike(&some.item, &wanted.item),
        (Type::Record(some), Type::Record(wanted)) => some == wanted,
        (Type::Map(some), Type::Map(wanted)) => is_alike(some, wanted),
        (_, Type::Error) => true,
        (some, wanted) => std::mem::discriminant(some) == std::mem::discriminant(wanted),
    }
}

/// Whether the first parameter of a function can be of a type, as its signature says.
fn takes(func: Func, ty: &Type) -> bool {
    let parameters = func.signature().split_once('(').map_or("", |(_, rest)| rest);
    let first = parameters.split_once(": ").map_or("", |(_, rest)| rest);
    let first = first.split([',', ')']).next().unwrap_or_default();
    let ty = ty.required();
    matches!(ty, Type::Json | Type::Error) || first.split(" | ").any(|one| takes_one(one, ty))
}

fn takes_one(parameter: &str, ty: &Type) -> bool {
    match (parameter, ty) {
        ("T", _) => true,
        ("list[string]", Type::List(list)) => matches!(list.item.required(), Type::String(_)),
        ("string", Type::String(_) | Type::Url | Type::Path)
        | ("int" | "float", Type::Int(_))
        | ("float", Type::Float(_))
        | ("duration", Type::Duration)
        | ("size", Type::Size)
        | ("money", Type::Money)
        | ("path", Type::Path | Type::String(_))
        | ("file", Type::File) => true,
        (list, Type::List(_)) => list.starts_with("list[") && list != "list[string]",
        (map, Type::Map(_)) => map.starts_with("map["),
        _ => false,
    }
}

//! What a file's names mean: its own declarations and those that its imports bring in, with their types resolved.
//!
//! Everything here is computed from signatures without nodes, so editing a task never touches it. A name of an imported
//! declaration means what it means in *its* file; records get one name each in the IR, the plain one wherever that is
//! free. Plans are apart from the rest ([`common`]), and a chunk is checked with just what it mentions of its plan
//! ([`plan_here`]), so that an edit of a parameter comes to those who read it. Absent: nodes and graphs.

mod resolver;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use dsl_syntax::table::ClauseKey as K;
use ir::types::{Type, Types};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use self::resolver::Resolver;
use crate::alias_loops;
use crate::around::plans_here;
use crate::facts::EffectFact;
use crate::imports::{Origin, Space, declarations, declared, import_path, visible};
use crate::inputs::{Project, SourceChunk, SourceFile};
use crate::signatures::{PlanSig, Price, RunnerSig, Sig};
use crate::trees::outline;
use crate::words::{hash, hash_all, holds};

/// A field with its type resolved.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct TypedField {
    pub name: SmolStr,
    pub ty: Type,
    pub has_default: bool,
}

impl TypedField {
    pub fn is_secret(&self) -> bool {
        matches!(self.ty.required(), Type::Secret(_))
    }

    /// No number, no duration.
    pub fn may_hold_text(&self) -> bool {
        !matches!(
            self.ty.required(),
            Type::Int(_) | Type::Bool | Type::Duration | Type::Enum(_)
        )
    }
}

/// Which capability is meant, by whatever name a file knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct CapabilityId {
    /// Where it is declared; those of the language are nowhere.
    pub file: Option<SourceFile>,
    pub name: SmolStr,
}

impl CapabilityId {
    pub fn builtin(name: &str) -> Self {
        Self {
            file: None,
            name: name.into(),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Capability {
    pub id: CapabilityId,
    pub input: Vec<TypedField>,
    pub output: Vec<TypedField>,
    pub idempotent: bool,
    pub title: Option<SmolStr>,
    /// What a call costs: the sum.
    pub prices: Box<[Price]>,
    /// `None`: it does not say.
    pub effects: Option<Box<[EffectFact]>>,
    pub risks: Box<[SmolStr]>,
    pub runner: Option<RunnerSig>,
    /// Those of `input` and `output` in which there is a syntax error.
    pub broken: Vec<K>,
}

impl Capability {
    /// Whether a syntax error may hide names of the clause.
    pub fn is_broken(&self, key: K) -> bool {
        self.broken.contains(&key)
    }

    /// What it gives, as a record.
    pub fn answer(&self) -> Type {
        unless(self.is_broken(K::Output), &self.output)
    }

    /// It is carried out by a script of its own.
    pub fn runs_script(&self) -> bool {
        self.runner.as_ref().is_some_and(|runner| runner.kind == "shell")
    }

    /// Somebody else has to say how it is run.
    pub fn is_abstract(&self) -> bool {
        self.runner.is_none() && self.id.file.is_some()
    }
}

/// A record of the fields, unless some may be missing.
fn unless(broken: bool, fields: &[TypedField]) -> Type {
    if broken { Type::Error } else { record(fields) }
}

/// The type of an answer with these fields.
pub(crate) fn record(fields: &[TypedField]) -> Type {
    Type::Fields(
        fields
            .iter()
            .map(|field| (field.name.clone(), field.ty.clone()))
            .collect(),
    )
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Agent {
    pub provides: Vec<CapabilityId>,
    /// It also names capabilities that are not known: it may provide anything.
    pub open: bool,
    pub runner: Option<RunnerSig>,
    /// A call that may cost more is refused.
    pub call_cost_max: Option<Decimal>,
}

impl Agent {
    /// Unless a mistake elsewhere keeps that from being known.
    pub fn lacks(&self, capability: &CapabilityId) -> bool {
        !self.open && !self.provides.contains(capability)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PlanShape {
    pub file: SourceFile,
    pub plan: Arc<PlanScope>,
}

/// What names of types, capabilities and agents mean in a file.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Common {
    kinds: Arc<Kinds>,
    pub capabilities: BTreeMap<SmolStr, Arc<Capability>>,
}

/// All of that but how capabilities are declared.
#[derive(PartialEq, Debug, Default)]
pub(crate) struct Kinds {
    pub types: Types,
    /// Which declarations the records of `types` are.
    pub records: BTreeMap<SmolStr, Origin>,
    pub named: BTreeMap<SmolStr, Type>,
    pub agents: BTreeMap<SmolStr, Arc<Agent>>,
    /// Names that two imports bring along with everything else; using one is a mistake.
    pub ambiguous: BTreeSet<(Space, SmolStr)>,
    /// Aliases of this file in a loop that is said at another one.
    pub endless: BTreeSet<SmolStr>,
    /// Which ones there are.
    capability_ids: BTreeMap<SmolStr, CapabilityId>,
    /// Names that an import failed to bring.
    missing: BTreeSet<SmolStr>,
    /// An import failed that would have brought who knows what.
    open: bool,
}

impl Deref for Common {
    type Target = Kinds;

    fn deref(&self) -> &Kinds {
        &self.kinds
    }
}

impl Kinds {
    /// Whether a name that is not here would be, had an import not failed: that is one mistake, and it has been said.
    pub fn excuses(&self, name: &str) -> bool {
        self.open || self.missing.contains(name)
    }
}

impl Common {
    /// The same, and what is in it that was there before is the same one: to be compared by [`Common::is_same_to`].
    pub fn after(&self, before: &Self) -> Self {
        let mut now = self.clone();
        if now.kinds == before.kinds {
            now.kinds = before.kinds.clone();
        }
        for (name, capability) in &mut now.capabilities {
            if let Some(same) = before.capabilities.get(name).filter(|known| *known == capability) {
                *capability = same.clone();
            }
        }
        now
    }

    /// Whether it is the same one but for how capabilities are declared that are not mentioned.
    pub fn is_same_to(&self, other: &Self, mentions: impl Fn(&str) -> bool) -> bool {
        let mut both = self.capabilities.iter().zip(other.capabilities.values());
        // then both have the same names
        Arc::ptr_eq(&self.kinds, &other.kinds)
            && both.all(|((name, one), other)| Arc::ptr_eq(one, other) || !mentions(name))
    }
}

/// Everything that names outside of a plan mean in a file.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct FileScope {
    common: Arc<Common>,
    /// Plans that can be called, profiled and tested, by name.
    pub plans: BTreeMap<SmolStr, Arc<PlanShape>>,
    /// The plans of this file, in order.
    pub own: Vec<Arc<PlanScope>>,
    /// The implicit plan of this file, if its bare nodes are one.
    implicit: Option<Arc<PlanShape>>,
}

impl Deref for FileScope {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// Who knows what the work of a node gives.
pub(crate) trait Works {
    fn common(&self) -> &Common;
    fn plan_called(&self, name: &str) -> Option<&PlanShape>;
}

impl Works for FileScope {
    fn common(&self) -> &Common {
        &self.common
    }

    fn plan_called(&self, name: &str) -> Option<&PlanShape> {
        self.plans.get(name).map(|shape| &**shape)
    }
}

impl FileScope {
    /// The plan that a profile or a test is of.
    pub fn about(&self, name: &str) -> Option<&Arc<PlanShape>> {
        let implicit = self.implicit.as_ref().filter(|shape| shape.plan.name == name);
        self.plans.get(name).or(implicit)
    }

    /// The names of plans that profiles and tests can be of.
    pub fn about_names(&self) -> Vec<SmolStr> {
        let implicit = self.implicit.iter().map(|shape| shape.plan.name.clone());
        self.plans.keys().cloned().chain(implicit).collect()
    }

    /// With other prices for some capabilities, each by its file and its name there.
    pub fn with_prices(&self, prices: &[(SourceFile, SmolStr, Box<[Price]>)]) -> Self {
        let mut scope = self.clone();
        for capability in Arc::make_mut(&mut scope.common).capabilities.values_mut() {
            let id = &capability.id;
            let of_it =
                |(file, name, _): &&(SourceFile, SmolStr, Box<[Price]>)| id.file == Some(*file) && id.name == *name;
            if let Some((.., prices)) = prices.iter().find(of_it) {
                *capability = Arc::new(Capability {
                    prices: prices.clone(),
                    ..(**capability).clone()
                });
            }
        }
        scope
    }
}

/// What the clauses of a plan bring into the scope of its nodes.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct PlanScope {
    pub name: SmolStr,
    pub params: Vec<TypedField>,
    pub outputs: Vec<TypedField>,
    pub memory: Vec<TypedField>,
    /// The keys of `memory` that all plans share.
    pub global: Vec<SmolStr>,
    pub secrets: Vec<SmolStr>,
    pub budget: Vec<SmolStr>,
    pub labels: Vec<SmolStr>,
    /// The modes on which its tasks are retried; empty: on all; `None`: they are not.
    pub retry: Option<Vec<SmolStr>>,
    pub has_judge: bool,
    /// The clauses that name things in which there is a syntax error.
    broken: Vec<K>,
    pub has_version: bool,
}

impl PlanScope {
    /// With only those fields of which the words tell.
    fn mentioned(&self, words: &[u32]) -> Self {
        let of_group = |group, fields: &[TypedField]| mentioned(group, fields, words).cloned().collect();
        Self {
            params: of_group("params", &self.params),
            outputs: of_group("outputs", &self.outputs),
            memory: of_group("memory", &self.memory),
            name: self.name.clone(),
            global: self.global.clone(),
            secrets: self.secrets.clone(),
            budget: self.budget.clone(),
            labels: self.labels.clone(),
            retry: self.retry.clone(),
            has_judge: self.has_judge,
            // asked of the others only if something is not found here
            broken: self.broken.iter().copied().filter(|key| *key == K::Secrets).collect(),
            has_version: self.has_version,
        }
    }

    /// Whether it is the same but for fields of which the words do not tell.
    pub fn is_same_to(&self, other: &Self, words: &[u32]) -> bool {
        let Self {
            name,
            params,
            outputs,
            memory,
            global,
            secrets,
            budget,
            labels,
            retry,
            has_judge,
            broken,
            has_version,
        } = self;
        let is_same = |group, fields: &[TypedField], others: &[TypedField]| {
            mentioned(group, fields, words).eq(mentioned(group, others, words))
        };
        is_same("params", params, &other.params)
            && is_same("outputs", outputs, &other.outputs)
            && is_same("memory", memory, &other.memory)
            && *name == other.name
            && *global == other.global
            && *secrets == other.secrets
            && *budget == other.budget
            && *labels == other.labels
            && *retry == other.retry
            && *has_judge == other.has_judge
            && *broken == other.broken
            && *has_version == other.has_version
    }

    /// Whether a syntax error may hide names of the clause.
    pub fn is_broken(&self, key: K) -> bool {
        self.broken.contains(&key)
    }

    /// What a run of it gives, as a record.
    pub fn answer(&self) -> Type {
        unless(self.is_broken(K::Outputs), &self.outputs)
    }

    /// Whether the parameter is given a secret.
    pub fn is_secret(&self, param: &str) -> bool {
        let mut params = self.params.iter();
        params.any(|field| field.name == param && field.is_secret())
    }

    pub fn params(&self) -> &[TypedField] {
        &self.params
    }

    pub fn outputs(&self) -> &[TypedField] {
        &self.outputs
    }

    pub fn memory(&self) -> &[TypedField] {
        &self.memory
    }
}

/// The fields of a group of which the words tell.
fn mentioned<'a>(
    group: &'static str,
    fields: &'a [TypedField],
    words: &'a [u32],
) -> impl Iterator<Item = &'a TypedField> {
    let is_mentioned = move |field: &&TypedField| {
        holds(words, hash(&field.name)) || holds(words, hash_all(&[group, ".", &field.name]))
    };
    fields.iter().filter(is_mentioned)
}

/// What a file knows apart from plans.
#[salsa::tracked(returns(ref))]
pub(crate) fn common(db: &dyn salsa::Database, file: SourceFile) -> Arc<Common> {
    file.kept(db).common(&scope(db, file).common)
}

/// What a block of a chunk may know of the plan of its file with that number, as far as the chunk mentions it: what is
/// not found there is looked for in the plan's whole scope. The same after edits of what the chunk does not mention.
#[salsa::tracked(returns(ref))]
pub(crate) fn plan_here(db: &dyn salsa::Database, chunk: SourceChunk) -> Box<[(u32, Arc<PlanScope>)]> {
    let own = &scope(db, chunk.file(db)).own;
    let words = &outline(db, chunk).words;
    let of_plan = |plan: &u32| Some((*plan, Arc::new(own.get(*plan as usize)?.mentioned(words))));
    plans_here(db, chunk).all.iter().filter_map(of_plan).collect()
}

#[salsa::tracked(returns(ref))]
pub(crate) fn scope(db: &dyn salsa::Database, file: SourceFile) -> Arc<FileScope> {
    let project = Project::get(db);
    let resolver = Resolver::new(db, file);
    let mut scope = FileScope::default();
    let (mut common, mut kinds) = (Common::default(), Kinds::default());
    for capability in crate::builtin::CAPABILITIES.iter() {
        let (name, capability) = capability();
        let id = CapabilityId::builtin(name);
        common
            .capabilities
            .insert(name.into(), Arc::new(Capability { id, ..capability }));
    }
    let seen = visible(db, file);
    let mut plans = HashMap::new();
    for ((space, name), origin) in &seen.names {
        match space {
            Space::Type => {
                let ambiguous = seen.ambiguous.contains(&(Space::Type, name.clone()));
                let ty = if ambiguous {
                    None
                } else {
                    resolver.named(origin.file, &origin.name)
                };
                kinds.named.insert(name.clone(), ty.unwrap_or(Type::Error));
            }
            Space::Capability => {
                if let Some(sig) = resolver.capability(origin) {
                    common
                        .capabilities
                        .insert(name.clone(), Arc::new(resolver.capability_types(origin.file, &sig)));
                }
            }
            Space::Agent => {
                if let Some(sig) = resolver.agent(origin) {
                    kinds.agents.insert(name.clone(), sig);
                }
            }
            Space::Plan => {
                let of_file = plans.entry(origin.file).or_insert_with(|| {
                    // of plans with one name the first
                    let named = plan_sigs(db, origin.file).into_iter().rev();
                    named.map(|plan| (plan.name.clone(), plan)).collect::<HashMap<_, _>>()
                });
                if let Some(sig) = of_file.get(&origin.name) {
                    scope.plans.insert(
                        name.clone(),
                        Arc::new(PlanShape {
                            file: origin.file,
                            plan: Arc::new(resolver.plan(origin.file, sig)),
                        }),
                    );
                }
            }
            Space::Policy => {}
        }
    }
    for sig in plan_sigs(db, file) {
        scope.own.push(Arc::new(resolver.plan(file, &sig)));
    }
    if scope.own.is_empty() {
        let implicit = implicit_name(file.path(db));
        let plan = Arc::new(PlanScope {
            name: implicit,
            ..PlanScope::default()
        });
        scope.implicit = Some(Arc::new(PlanShape {
            file,
            plan: plan.clone(),
        }));
        scope.own.push(plan);
    }
    (kinds.types, kinds.records) = resolver.finish();
    kinds.ambiguous.clone_from(&seen.ambiguous);
    kinds.endless = alias_loops::excused(declarations(db, file).iter().map(|(_, sig)| sig));
    for (_, sig) in declarations(db, file).iter() {
        let Sig::Use(used) = sig else { continue };
        let target = used
            .path
            .as_ref()
            .map(|path| import_path(project.root(db), file.path(db), path));
        let there = target.and_then(|target| project.files(db).get(target.as_path()));
        kinds.open |= there.is_none() && used.picked.is_empty();
        let found = |name: &&SmolStr| seen.names.keys().any(|(_, seen)| seen == *name);
        let missing: Vec<SmolStr> = used.picked.iter().filter(|name| !found(name)).cloned().collect();
        // what is picked by a wrong name may be any that is there
        if let Some(there) = there.filter(|_| !missing.is_empty()) {
            let offered = declarations(db, *there).iter().filter_map(|(_, sig)| declared(sig));
            kinds.missing.extend(offered.map(|(_, name)| name));
        }
        kinds.missing.extend(missing);
    }
    let ids = common.capabilities.iter();
    kinds.capability_ids = ids.map(|(name, found)| (name.clone(), found.id.clone())).collect();
    common.kinds = Arc::new(kinds);
    scope.common = Arc::new(common);
    Arc::new(scope)
}

/// The implicit plan of a file of bare nodes is named after the file.
pub(crate) fn implicit_name(path: &Path) -> SmolStr {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().as_ref().into())
        .unwrap_or_else(|| "plan".into())
}

/// The plans of a file, each with the clauses that follow its nodes merged in.
fn plan_sigs(db: &dyn salsa::Database, file: SourceFile) -> Vec<PlanSig> {
    let mut plans: Vec<PlanSig> = Vec::new();
    for (_, sig) in declarations(db, file).iter() {
        match sig {
            Sig::Plan(plan) => plans.push((**plan).clone()),
            Sig::PlanRest(rest) => {
                if let Some(plan) = plans.last_mut() {
                    merge(plan, rest);
                }
            }
            _ => {}
        }
    }
    plans
}

fn merge(plan: &mut PlanSig, rest: &PlanSig) {
    plan.params.extend(rest.params.iter().cloned());
    plan.outputs.extend(rest.outputs.iter().cloned());
    plan.memory.extend(rest.memory.iter().cloned());
    plan.global.extend(rest.global.iter().cloned());
    plan.secrets.extend(rest.secrets.iter().cloned());
    plan.budget.extend(rest.budget.iter().cloned());
    plan.labels.extend(rest.labels.iter().cloned());
    plan.retry = plan.retry.take().or_else(|| rest.retry.clone());
    plan.broken.extend(&rest.broken);
    plan.has_judge |= rest.has_judge;
    plan.has_version |= rest.has_version;
}

//! What the next run of a plan would find in the cache, for the plan as it is in the editor: worked out on the
//! history's thread.
//!
//! A forecast is of one text of a plan and one last run. Whoever asks about another gets nothing, and has that one
//! worked out. A plan of some size is compiled at once, a large one when the typing pauses; nobody waits for it.
//! Absent: how results are looked for, which [`crate::Tools`] brings along.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ir::Plan;
use smol_str::SmolStr;
use store::{Forecast, RunFolder};

use super::{History, Shared, Wanted, WentRun, lock};
use crate::view::{View, Views};
use crate::writer::Message;

/// What the tasks of a plan would come to if it were started as that run was; empty if that cannot be told.
pub type Foresee = fn(&RunFolder, Plan) -> BTreeMap<SmolStr, Forecast>;

pub(crate) type Forecasts = BTreeMap<SmolStr, Forecast>;

/// A plan of a file.
pub(super) type OfPlan = (PathBuf, SmolStr);

/// A plan whose text does not have this reuses nothing.
const CACHE: &str = "cache:";
/// Larger plans are not compiled while somebody waits, …
const NODES_AT_ONCE_MAX: usize = 2_000;
/// … and nothing is foreseen of still larger ones.
const NODES_MAX: usize = 50_000;
/// So many nodes of plans of a store are kept.
const KEPT_NODES_MAX: usize = 100_000;

/// What was asked about last, and its forecasts once they are there.
pub(super) struct Foreseen {
    subject: Arc<About>,
    /// Of the workspace when it was looked at last: if it is the same still, so is the plan.
    revision: u64,
    forecasts: Option<Arc<Forecasts>>,
    /// Somebody has asked since it was worked out.
    is_asked: bool,
}

struct About {
    plan: Plan,
    hash: String,
    run: String,
}

/// A large plan that is to be compiled when there is time.
pub(super) struct Later {
    store: PathBuf,
    pub of: OfPlan,
    run: String,
}

/// Those of a plan of a file as it is in the editor, if they are known.
pub(crate) fn forecasts(view: &View, file: &Path, plan: &str, runs: &[&WentRun]) -> Option<Arc<Forecasts>> {
    let history = view.history.as_ref().filter(|history| history.foresee.is_some())?;
    let run = runs.first()?.id.as_str();
    let store = view.store();
    let of: OfPlan = (file.to_path_buf(), plan.into());
    if let Some(known) = history.known(&store, &of, run, view.revision) {
        return known;
    }
    if !view.text(file)?.as_str().contains(CACHE) {
        return None;
    }
    let nodes = nodes(view, file, plan)?;
    if nodes <= NODES_AT_ONCE_MAX {
        return history.foreseen(&store, of, compiled(view, file, plan)?, run, view.revision);
    }
    if nodes <= NODES_MAX {
        let run = run.to_owned();
        // the thread ends with the server
        _ = history.wanted.send(Wanted::Compiled(Later { store, of, run }));
    }
    None
}

/// Whether a plan is compiled while somebody waits.
pub(super) fn is_small(view: &View, file: &Path, plan: &str) -> bool {
    nodes(view, file, plan).is_some_and(|nodes| nodes <= NODES_AT_ONCE_MAX)
}

fn nodes(view: &View, file: &Path, plan: &str) -> Option<usize> {
    let plans = view.snapshot.plans(file);
    let found = plans
        .iter()
        .find(|one| one.implicit == plan.is_empty() && (one.implicit || one.name == plan));
    Some(found?.nodes)
}

/// Absent of a plan with mistakes.
pub(super) fn compiled(view: &View, file: &Path, plan: &str) -> Option<Plan> {
    let name = Some(plan).filter(|plan| !plan.is_empty());
    view.snapshot.compile(file, name).ok()
}

impl History {
    /// What is known of a plan in which nothing has changed since somebody asked last; absent if something has.
    fn known(&self, store: &Path, of: &OfPlan, run: &str, revision: u64) -> Option<Option<Arc<Forecasts>>> {
        let mut shared = lock(&self.shared);
        let known = shared.get_mut(store)?.foreseen.get_mut(of)?;
        if known.revision != revision || known.subject.run != run {
            return None;
        }
        known.is_asked = true;
        Some(known.forecasts.clone())
    }

    fn foreseen(&self, store: &Path, of: OfPlan, plan: Plan, run: &str, revision: u64) -> Option<Arc<Forecasts>> {
        let hash = plan.hash();
        let mut shared = lock(&self.shared);
        let foreseen = &mut shared.entry(store.to_path_buf()).or_default().foreseen;
        if let Some(known) = foreseen.get_mut(&of)
            && known.subject.hash == hash
            && known.subject.run == run
        {
            known.is_asked = true;
            known.revision = revision;
            return known.forecasts.clone();
        }
        let kept: usize = foreseen.values().map(|one| one.subject.plan.nodes.len()).sum();
        if kept + plan.nodes.len() > KEPT_NODES_MAX {
            foreseen.clear();
        }
        let run = run.to_owned();
        let subject = Arc::new(About { plan, hash, run });
        foreseen.insert(
            of,
            Foreseen {
                subject,
                revision,
                forecasts: None,
                is_asked: true,
            },
        );
        // the thread ends with the server
        _ = self.wanted.send(Wanted::Forecasts(store.to_path_buf()));
        None
    }
}

/// Has a large plan compiled, and what is foreseen of it worked out, unless a change comes first: then somebody asks again.
pub(super) fn compile_later(Later { store, of, run }: Later) -> Message {
    Message::Read(Box::new(move |views: Views| {
        let (file, plan) = &of;
        let compiled = views.catch(|views| {
            let view = views.of(file);
            Some((view.history.clone()?, compiled(view, file, plan)?, view.revision))
        });
        drop(views);
        if let Ok(Some((history, compiled, revision))) = compiled
            && history.foreseen(&store, of, compiled, &run, revision).is_some()
        {
            history.tell();
        }
    }))
}

/// Works out what is not known yet, or what is if the store has changed; says whether that is something else now.
/// Nobody waits meanwhile, and what nobody asks about any more is forgotten.
pub(super) fn work_out(shared: &Shared, store: &Path, has_changed: bool, foresee: Foresee) -> bool {
    let subjects: Vec<(OfPlan, Arc<About>)> = {
        let mut shared = lock(shared);
        let Some(known) = shared.get_mut(store) else {
            return false;
        };
        if has_changed {
            known.foreseen.retain(|_, one| std::mem::take(&mut one.is_asked));
        }
        let wanted = known
            .foreseen
            .iter()
            .filter(|(_, one)| has_changed || one.forecasts.is_none());
        wanted.map(|(of, one)| (of.clone(), one.subject.clone())).collect()
    };
    let mut is_news = false;
    for (of, subject) in subjects {
        let folder = store::Store::new(store, store::Durability::Process).find(&subject.run);
        let found = folder.map(|folder| foresee(&folder, subject.plan.clone()));
        let found = Arc::new(found.unwrap_or_default());
        let mut shared = lock(shared);
        let foreseen: Option<&mut Foreseen> = shared.get_mut(store).and_then(|known| known.foreseen.get_mut(&of));
        // unless it is about another text by now
        if let Some(foreseen) = foreseen.filter(|foreseen| Arc::ptr_eq(&foreseen.subject, &subject)) {
            is_news |= foreseen.forecasts.as_deref().unwrap_or(&BTreeMap::new()) != &*found;
            foreseen.forecasts = Some(found);
        }
    }
    is_news
}

pub(super) type ForeseenOf = HashMap<OfPlan, Foreseen>;

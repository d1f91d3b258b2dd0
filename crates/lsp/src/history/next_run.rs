//! What the next run of a plan would find in the cache, for the plan as it is in the editor: worked out on the history's thread.
//!
//! A forecast is of one text of a plan and one last run. Whoever asks about another gets nothing, and has that one worked out. Absent: how
//! results are looked for, which [`crate::Tools`] brings along.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ir::Plan;
use smol_str::SmolStr;
use store::{Forecast, RunFolder};

use super::{History, Shared, Wanted, WentRun, lock};
use crate::view::View;

/// What the tasks of a plan would come to if it were started as that run was; empty if that cannot be told.
pub type Foresee = fn(&RunFolder, Plan) -> BTreeMap<SmolStr, Forecast>;

pub(crate) type Forecasts = BTreeMap<SmolStr, Forecast>;

/// A plan of a file.
pub(super) type OfPlan = (PathBuf, SmolStr);

/// A plan whose text does not have this reuses nothing.
const CACHE: &str = "cache:";
/// Larger plans are not compiled while somebody waits.
const NODES_MAX: usize = 2000;
/// So many plans of a store are kept.
const PLANS_MAX: usize = 64;

/// What was asked about last, and its forecasts once they are there.
pub(super) struct Foreseen {
    subject: Arc<About>,
    forecasts: Option<Arc<Forecasts>>,
    /// Somebody has asked since it was worked out.
    is_asked: bool,
}

struct About {
    plan: Plan,
    hash: String,
    run: String,
}

/// Those of a plan of a file as it is in the editor, if they are known.
pub(crate) fn forecasts(view: &View, file: &Path, plan: &str, runs: &[&WentRun]) -> Option<Arc<Forecasts>> {
    let history = view.history.as_ref().filter(|history| history.foresee.is_some())?;
    let run = runs.first()?;
    let is_small = |name: &str| {
        let plans = view.snapshot.plans(file);
        let found = plans
            .iter()
            .find(|one| one.implicit == name.is_empty() && (one.implicit || one.name == name));
        found.is_some_and(|found| found.nodes <= NODES_MAX)
    };
    if !view.text(file)?.as_str().contains(CACHE) || !is_small(plan) {
        return None;
    }
    let name = Some(plan).filter(|plan| !plan.is_empty());
    let compiled = view.snapshot.compile(file, name).ok()?;
    history.foreseen(&view.store(), (file.to_path_buf(), plan.into()), compiled, &run.id)
}

impl History {
    fn foreseen(&self, store: &Path, of: OfPlan, plan: Plan, run: &str) -> Option<Arc<Forecasts>> {
        let hash = plan.hash();
        let mut shared = lock(&self.shared);
        let foreseen = &mut shared.entry(store.to_path_buf()).or_default().foreseen;
        if let Some(known) = foreseen.get_mut(&of)
            && known.subject.hash == hash
            && known.subject.run == run
        {
            known.is_asked = true;
            return known.forecasts.clone();
        }
        if foreseen.len() >= PLANS_MAX {
            foreseen.clear();
        }
        let run = run.to_owned();
        let subject = Arc::new(About { plan, hash, run });
        foreseen.insert(
            of,
            Foreseen {
                subject,
                forecasts: None,
                is_asked: true,
            },
        );
        // the thread ends with the server
        _ = self.wanted.send(Wanted::Forecasts(store.to_path_buf()));
        None
    }
}

/// Works out what is not known yet, or what is if the store has changed; says whether that is something else now. Nobody waits meanwhile,
/// and what nobody asks about any more is forgotten.
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

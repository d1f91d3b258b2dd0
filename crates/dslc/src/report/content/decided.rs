//! What people and the plan itself decided on the way: answers, changes of the plan, odds of hypotheses, alerts.

use engine::NodeSnapshot;
use ir::show::Shown;

use super::{Report, short, table, time};
use crate::asking;
use crate::failure::Failure;
use crate::printer::shown;
use crate::report::page::{Block, Line, Section, Span, code, plain, strong, text};

impl Report<'_> {
    /// Who decided what, when and why.
    pub(super) fn decisions(&self) -> Section {
        let mut blocks = Vec::new();
        for gate in self.nodes.iter().flat_map(NodeSnapshot::gates) {
            let title = gate
                .ask
                .title
                .as_deref()
                .map_or(String::new(), |title| format!(" {}", shown(title)));
            blocks.push(Block::Paragraph(vec![
                code(shown(&gate.ask.label)),
                text(format!(
                    "{title} — asked {}, of {}",
                    time(gate.asked_ms),
                    asking::who(&gate.ask)
                )),
            ]));
            let mut items = Vec::new();
            for recorded in &gate.decisions {
                let choice = recorded.decision.choice().map(|choice| format!(" with {choice}"));
                let by = if recorded.person.is_some() {
                    format!("{} as {}", recorded.who(), recorded.by)
                } else {
                    recorded.by.to_string()
                };
                let because = recorded.because.as_ref().map(|because| format!(": {}", shown(because)));
                items.push(vec![
                    Span::Status(recorded.decision.name().to_owned()),
                    text(format!(
                        "{} by {by}, {}{}",
                        choice.unwrap_or_default(),
                        time(recorded.time_ms),
                        because.unwrap_or_default()
                    )),
                ]);
            }
            if gate.decisions.is_empty() {
                items.push(plain("nobody has decided"));
            }
            for check in &gate.ask.checks {
                let saw = check.saw.as_ref().map(|saw| format!(" (it saw {saw})"));
                let how = if check.prose {
                    "shown to them, not checked: "
                } else {
                    "held: "
                };
                items.push(vec![
                    text(how),
                    code(shown(&check.text)),
                    text(shown(&saw.unwrap_or_default())),
                ]);
            }
            blocks.push(Block::List(items));
        }
        for asked in self.nodes.iter().flat_map(|node| &node.questions) {
            let Some(wanted) = &asked.ask.question else { continue };
            blocks.push(Block::Paragraph(vec![
                code(shown(&asked.ask.label)),
                text(format!(" asked {}: {}", time(asked.asked_ms), shown(&wanted.text))),
            ]));
            blocks.push(Block::List(vec![match &asked.answered {
                None => plain("nobody has answered"),
                Some(given) => {
                    let because = given.because.as_ref().map(|because| format!(": {}", shown(because)));
                    vec![
                        Span::Status("answered".to_owned()),
                        text(format!(
                            " by {}, {}{}, ",
                            given.by,
                            time(given.time_ms),
                            because.unwrap_or_default()
                        )),
                        code(short(&given.answer)),
                    ]
                }
            }]));
        }
        let chosen = self.nodes.iter().filter_map(|node| {
            let to = self.engine.node(node.chosen?)?;
            Some(vec![code(node.id.as_str()), text(" led to "), code(to.id.as_str())])
        });
        let interventions = self.gathered.interventions.iter();
        let interventions = interventions.map(|done| {
            let mut line = plain(format!("{}: ", time(done.time_ms)));
            line.extend(done.what.iter().cloned());
            line
        });
        let items: Vec<Line> = chosen.chain(interventions).collect();
        if !items.is_empty() {
            blocks.push(Block::List(items));
        }
        Section::new("Decisions", blocks)
    }

    /// How the plan was changed while it ran, and what was kept.
    pub(super) fn revisions(&self) -> Result<Section, Failure> {
        let mut blocks = Vec::new();
        let mut before = self.history.folder.plan(&self.history.meta)?;
        for revision in self.engine.revisions() {
            let plan = self.history.folder.revision(revision.number, &revision.ir_hash)?;
            let line = format!(
                "revision {}: {}, by {}, {}",
                revision.number,
                shown(&revision.because),
                shown(&revision.by),
                time(revision.time_ms)
            );
            blocks.push(Block::Paragraph(plain(line)));
            let changes = ir::diff::diff(&before, &plan);
            let items = changes.iter().map(change).collect();
            blocks.push(Block::List(items));
            before = plan;
        }
        Ok(Section::new("How the plan was changed", blocks))
    }

    pub(super) fn evidence(&self) -> Section {
        let plan = self.engine.plan();
        let mut rows = Vec::new();
        for hypothesis in self.engine.hypotheses() {
            let title = hypothesis.title.as_ref().map(|title| format!(" {}", shown(title)));
            rows.push(vec![
                vec![strong(hypothesis.name.as_str()), text(title.unwrap_or_default())],
                plain(format!(
                    "{} ({})",
                    hypothesis.prior,
                    percent(hypothesis.prior.per_mille())
                )),
                plain(format!(
                    "{} ({})",
                    hypothesis.odds,
                    percent(hypothesis.odds.per_mille())
                )),
                self.clauses(plan, &hypothesis.evidence),
            ]);
        }
        Section::new(
            "Evidence and odds",
            table(vec!["hypothesis", "odds at first", "odds now", "evidence"], rows),
        )
    }

    fn clauses(&self, plan: &ir::Plan, evidence: &[engine::EvidenceSnapshot]) -> Line {
        let mut line = Vec::new();
        let writer = Shown {
            plan,
            item: "it",
            renamed: &|name| name,
        };
        for given in evidence.iter().filter(|given| given.holds != Some(false)) {
            let clause = plan
                .nodes
                .get(given.node as usize)
                .and_then(|node| node.body.task())
                .and_then(|task| task.evidence.get(given.clause));
            let when = clause.map(|clause| writer.expr(&clause.when)).unwrap_or_default();
            if !line.is_empty() {
                line.push(text("; "));
            }
            line.push(code(given.label.as_str()));
            let verb = if given.against { "refutes by" } else { "supports by" };
            let told = if given.holds.is_none() { ", cannot be told" } else { "" };
            line.push(text(format!(" {verb} {}{told}: ", given.by.0)));
            line.push(code(when));
        }
        if line.is_empty() {
            line.push(text("none"));
        }
        line
    }

    pub(super) fn alerts(&self) -> Section {
        let items: Vec<Line> = self
            .engine
            .alerts()
            .iter()
            .map(|alert| {
                let severity = alert.severity.as_ref().map(|severity| format!(" ({severity})"));
                plain(format!(
                    "{}: {}{}",
                    time(alert.time_ms),
                    shown(&alert.name),
                    severity.unwrap_or_default()
                ))
            })
            .collect();
        let blocks = if items.is_empty() {
            Vec::new()
        } else {
            vec![Block::List(items)]
        };
        Section::new("Alerts", blocks)
    }
}

fn change(change: &ir::diff::Change) -> Line {
    use ir::diff::Kind;
    let mut line = vec![text(format!("{} ", change.what)), code(shown(&change.name))];
    line.push(text(match &change.kind {
        Kind::Added => " is new".to_owned(),
        Kind::Removed => " is gone".to_owned(),
        Kind::Renamed { from } => format!(" was {}", shown(from)),
        Kind::Changed { clauses } => {
            let names: Vec<&str> = clauses.iter().map(|clause| clause.clause.as_str()).collect();
            format!(": {} changed", names.join(", "))
        }
    }));
    line.push(text(format!(" ({})", change.class.word())));
    line
}

fn percent(per_mille: u32) -> String {
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

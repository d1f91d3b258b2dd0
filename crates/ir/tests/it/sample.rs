//! What the tests evaluate against: a scope, a world, types, and a plan that has one of everything.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dsl_ir::eval::{EvalError, Scope, World};
use dsl_ir::expr::{Call, Capture, Expr, Ref};
use dsl_ir::func::Func;
use dsl_ir::plan::*;
use dsl_ir::types::{FieldDef, RecordDef, Types};
use dsl_ir::value::{FileRef, Value};
use serde_json::json;

use crate::notation::{expr, ty};

pub static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let record = |fields: &[(&str, &str)]| RecordDef {
        fields: fields
            .iter()
            .map(|(name, field)| FieldDef {
                name: (*name).into(),
                ty: ty(field),
            })
            .collect(),
    };
    Types(BTreeMap::from([
        (
            "Source".into(),
            record(&[("title", "string"), ("link", "url"), ("reason", "string?")]),
        ),
        (
            "Limits".into(),
            record(&[("time", "duration"), ("space", "size"), ("cost", "money?")]),
        ),
        ("Tree".into(), record(&[("name", "string"), ("children", "list[Tree]")])),
    ]))
});

pub struct SampleScope;

impl Scope for SampleScope {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        let json = match reference {
            Ref::Run(name) if name == "id" => json!("01890a5d-ac96-774b-bcce-b302099a8057"),
            Ref::Param(name) => match name.as_str() {
                "xs" => json!([3, 1, 2]),
                "empty" => json!([]),
                "absent" => json!(null),
                "name" => json!("Grüße, Welt"),
                "sources" => json!([
                    {"title": "b", "score": 2, "tags": ["x"]},
                    {"title": "a", "score": 3.5, "tags": []},
                    {"title": "c", "score": 2, "tags": ["y", "x"]},
                ]),
                "data" => json!({"items": [{"k": 1}], "deep": {"er": {"x": true}}, "n": null}),
                "report" => {
                    return Ok(Value::File(FileRef {
                        digest: "d1".into(),
                        size: 12,
                        path: "out/report.md".into(),
                    }));
                }
                _ => return Err(EvalError::new(format!("no parameter `{name}`"))),
            },
            other => return Err(EvalError::new(format!("the sample has no {other:?}"))),
        };
        Ok(dsl_ir::data::from_json(json))
    }

    fn types(&self) -> &Types {
        &TYPES
    }
}

/// A world of one file, `here.txt`, on a machine with half a megabyte left.
pub struct SampleWorld;

impl World for SampleWorld {
    fn file(&mut self, path: &str) -> Result<Value, String> {
        match path {
            "here.txt" => Ok(Value::File(FileRef {
                digest: "d2".into(),
                size: 3,
                path: path.into(),
            })),
            _ => Err(format!("`{path}` is not there")),
        }
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        Ok(path == "here.txt")
    }

    fn hash(&mut self, path: &str) -> Result<String, String> {
        self.file(path).map(|_| "d2".to_owned())
    }

    fn fact(&mut self, name: &str) -> Result<Value, String> {
        match name {
            "system.disk.free" => Ok(Value::Size(500_000)),
            _ => Err(format!("nothing is known of `{name}`")),
        }
    }
}

/// A task that runs a script and no more.
pub fn task(id: &str) -> Node {
    let script = Script {
        text: "true".into(),
        interpreter: Interpreter::Sh,
        vars: Vec::new(),
        env: Vec::new(),
        dir: None,
    };
    Node::new(
        id,
        Body::Task(Box::new(Task {
            work: script.into(),
            ..Task::default()
        })),
    )
}

pub fn need(node: NodeId) -> Need {
    Need::Node { node, optional: false }
}

pub fn plan(nodes: Vec<Node>) -> Plan {
    Plan {
        nodes,
        ..Plan::new("sample")
    }
}

/// The task in a node.
pub fn task_of(node: &mut Node) -> &mut Task {
    match &mut node.body {
        Body::Task(task) => task,
        other => panic!("expected a task, saw {other:?}"),
    }
}

/// A number as a plan writes it.
pub fn ratio(text: &str) -> Ratio {
    Ratio(text.parse().expect("a number"))
}

fn money(text: &str) -> Money {
    Money(text.parse().expect("an amount"))
}

fn field(name: &str, of: &str) -> Param {
    Param {
        name: name.into(),
        ty: ty(of),
        default: None,
        doc: None,
    }
}

/// Adds what a plan uses and stands under, and a node for each kind of work and decision that is not a script.
fn declare(plan: &mut Plan) {
    plan.description = Some("At length.\n".into());
    plan.secrets = vec![
        Secret {
            name: "token".into(),
            from: SecretSource::Env("TOKEN".into()),
        },
        Secret {
            name: "key".into(),
            from: SecretSource::File {
                path: "secrets.env".into(),
                key: Some("KEY".into()),
            },
        },
    ];
    plan.budget = Budget {
        time_ms: Some(7_200_000),
        cost: Some(money("10")),
        tokens: Some(1_000),
        alert: Some(ratio("0.8")),
    };
    plan.limits.queue = Some(50);
    plan.judge = Some(Judge::Human);
    plan.trigger = Some(Trigger {
        intent: vec!["fix".into()],
        keywords: vec!["error".into()],
        when: Some(expr("(> @context.failing 0)")),
        confidence: Some(ratio("0.75")),
    });
    plan.alerts = vec![Alert {
        name: expr("\"slow\""),
        when: expr("(> @run.duration 20m)"),
        severity: Some("high".into()),
    }];
    plan.hypotheses = vec![Hypothesis {
        name: "race".into(),
        title: Some(expr("\"A race\"")),
        description: None,
        prior: ratio("0.2"),
    }];
    let runner = Runner {
        kind: RunnerKind::Http,
        script: None,
        args: vec![
            Binding {
                name: "url".into(),
                value: expr("(concat \"https://example.org/\" @input.query)"),
            },
            Binding {
                name: "result".into(),
                value: expr("@own.body"),
            },
        ],
    };
    let search = Capability {
        title: Some("Search".into()),
        input: vec![field("query", "string(1..)")],
        output: vec![field("items", "list[Source]")],
        effects: Some(vec![Effect {
            kind: EffectKind::Network,
            args: vec!["example.org".into()],
        }]),
        risks: vec!["stale".into()],
        cost: vec![Rate {
            amount: money("0.002"),
            per: Per::Call,
        }],
        idempotent: true,
        runner: Some(runner),
        ..Capability::default()
    };
    plan.capabilities.insert("web.search".into(), search);
    let coder = Agent {
        title: Some("Codes".into()),
        provides: vec!["web.search".into()],
        limits: Limits {
            requests: vec![Rate {
                amount: 100,
                per: Per::WindowMs(60_000),
            }],
            cost: vec![Rate {
                amount: money("0.5"),
                per: Per::Call,
            }],
            ..Limits::default()
        },
        breaker: Some(Breaker {
            failures: 5,
            within_ms: 60_000,
            probe_ms: 30_000,
        }),
        ..Agent::default()
    };
    plan.agents.insert("coder".into(), coder);
    plan.policies = vec![Policy {
        name: "safety".into(),
        title: None,
        allow: Allow {
            capabilities: Some(vec!["web.*".into()]),
            ..Allow::default()
        },
        limit: PolicyLimit {
            cost: Some(money("50")),
            tasks: Some(200),
            ..PolicyLimit::default()
        },
        rules: vec![PolicyRule {
            name: "gated".into(),
            clauses: BTreeMap::from([("require".into(), "after(gate)".into())]),
        }],
    }];

    let given = |value: &str| {
        vec![Binding {
            name: "query".into(),
            value: expr(value),
        }]
    };
    let mut search = Node::new("search", Body::Task(Box::default()));
    search.description = Some("Asks".into()).into();
    let task = task_of(&mut search);
    task.work = Work::Capability("web.search".into());
    task.input = given("@query");
    task.by = vec!["coder".into()].into();
    task.effects = Some(Vec::new()).into();
    task.key = Some(expr("@run.id")).into();
    task.cache_ms = Some(86_400_000);
    task.budget.cost = Some(money("1"));
    task.risks = vec!["stale".into()].into();
    task.assumes = vec![Expectation::Prose {
        text: "The net works".into(),
    }]
    .into();
    task.rollback = Some(Box::new(Script {
        text: "undo".into(),
        interpreter: Interpreter::Bash,
        vars: Vec::new(),
        env: Vec::new(),
        dir: None,
    }));
    task.evidence = vec![Evidence {
        hypothesis: "race".into(),
        against: true,
        when: expr("(is-empty @own.items)"),
        by: ratio("2.5"),
    }]
    .into();
    let mut steps = Node::new("steps", Body::Task(Box::default()));
    task_of(&mut steps).work = Work::Steps(vec![
        Step {
            capability: "web.search".into(),
            input: given("@query"),
            bind: Some("hits".into()),
            idempotent: true,
        },
        Step {
            capability: "web.search".into(),
            input: given("(string (len @own.hits))"),
            bind: None,
            idempotent: false,
        },
    ]);
    let mut call = Node::new("call", Body::Task(Box::default()));
    call.when = Some(expr("(is-empty @node.8.items)")).into();
    task_of(&mut call).work = Work::Call("inner".into());
    task_of(&mut call).input = vec![Binding {
        name: "n".into(),
        value: expr("1"),
    }];
    let mut review = Node::new("review", Body::Gate(Box::default()));
    if let Body::Gate(gate) = &mut review.body {
        gate.approvers = vec!["role/release".into()];
        gate.quorum = Some(2);
        gate.options = vec![GateOption {
            name: "a".into(),
            title: Some(expr("\"Strategy A\"")),
            note: None,
        }];
    }
    let culprit = Node::new(
        "culprit",
        Body::Decision(Box::new(Decision {
            hypotheses: vec![HypothesisArm {
                hypothesis: "race".into(),
                to: 13,
            }],
            ..Decision::default()
        })),
    );
    plan.nodes.extend([search, steps, call, review, culprit]);
    plan.nodes.push(self::task("fix"));
    let mut inner = Plan::new("inner");
    inner.params = vec![field("n", "int")];
    inner.nodes = vec![self::task("only")];
    plan.plans.insert("inner".into(), inner);
}

/// A plan with one of everything.
pub fn full_plan() -> Plan {
    let binding = |name: &str, value: &str| Binding {
        name: name.into(),
        value: expr(value),
    };
    let output = |name: &str, of: &str, value: Expr| Output {
        name: name.into(),
        ty: ty(of),
        value,
    };
    let check = |text: &str, expr: Expr| Expectation::Check {
        expr,
        text: text.into(),
    };

    let mut collect = task("collect");
    collect.title = Some(expr("(concat \"Collect \" @query)")).into();
    collect.line = 12;
    collect.kind = Some("research".into()).into();
    collect.labels = vec!["net".into()].into();
    collect.when = Some(expr("(!= @depth \"shallow\")")).into();
    collect.priority = -3;
    collect.routes = vec![Route {
        on: "no-results".into(),
        to: 4,
    }]
    .into();
    let task_ = task_of(&mut collect);
    let script = task_.script_mut().unwrap();
    script.interpreter = Interpreter::Command(expr("\"nice bash\""));
    script.vars = vec![binding("DSLC_1", "@query")];
    script.env = vec![binding("LANG", "\"C\"")];
    script.dir = Some(expr("\"work\""));
    task_.input = vec![binding("query", "@query")];
    let captured = Expr::Call(Box::new(Call {
        func: Func::Json,
        args: vec![Expr::Ref(Ref::Capture(Capture::Stdout))],
    }));
    task_.output = vec![output(
        "sources",
        "list[Source](1..)",
        Expr::Cast(Box::new((captured, ty("list[Source]")))),
    )];
    task_.fail = vec![FailMode {
        mode: "no-results".into(),
        when: Expr::IsEmpty(Box::new(Expr::Ref(Ref::Own("sources".into())))),
        message: Some(expr("\"nothing found\"")),
    }]
    .into();
    task_.expect = vec![
        check("exists(\"out\")", expr("(exists \"out\")")),
        Expectation::Prose {
            text: "Each source is canonical".into(),
        },
    ];
    task_.requires = vec![check(
        "system.disk.free >= 50MB",
        expr("(>= @world.system.disk.free 50MB)"),
    )]
    .into();
    task_.retry = Some(Retry {
        max: 3,
        backoff: Backoff::Exponential {
            base_ms: 1000,
            cap_ms: Some(30_000),
            factor_milli: 2000,
            jitter: true,
        },
        on: vec!["timeout".into()],
    })
    .into();
    task_.timeout = Some(expr("2m")).into();
    task_.idempotent = false;
    task_.fallback = Some(1);
    task_.remember = vec![Remember {
        key: "seen.sources".into(),
        value: Expr::Ref(Ref::Own("sources".into())),
    }]
    .into();

    let mut cached = task("cached");
    task_of(&mut cached).output = vec![output("sources", "list[Source]", expr("[]"))];
    task_of(&mut cached).retry = Some(Retry {
        max: 1,
        backoff: Backoff::Immediate,
        on: Vec::new(),
    })
    .into();

    let mut dive = task("deep-dive");
    dive.needs = vec![need(0)];
    dive.optional = true;
    task_of(&mut dive).each = Some(Box::new(Each {
        var: "source".into(),
        list: Expr::Ref(Ref::Output(0, "sources".into())),
        by: Some(Expr::Field(Box::new((Expr::Ref(Ref::Each), "link".into())))),
        parallel: Some(4),
        tolerate: Tolerate::BasisPoints(2000),
    }));
    task_of(&mut dive).retry = Some(Retry {
        max: 2,
        backoff: Backoff::Linear { base_ms: 1, step_ms: 2 },
        on: Vec::new(),
    })
    .into();

    let mut gate = Node::new(
        "enough",
        Body::Gate(Box::new(Gate {
            checks: vec![check("…", expr("(exists \"out\")"))],
            timeout: Some(expr("4h")),
            ..Gate::default()
        })),
    );
    gate.needs = vec![
        Need::Node {
            node: 2,
            optional: true,
        },
        Need::Quorum {
            count: 1,
            of: vec![0, 1],
        },
    ];

    let broaden = Node::new("broaden", Body::Task(Box::default()));
    let mut route = Node::new(
        "route",
        Body::Decision(Box::new(Decision {
            arms: vec![
                Arm {
                    when: Some(expr("(== @depth \"deep\")")),
                    to: 6,
                },
                Arm { when: None, to: 7 },
            ],
            ..Decision::default()
        })),
    );
    route.needs = vec![need(3)];

    let mut plan = plan(vec![
        collect,
        cached,
        dive,
        gate,
        broaden,
        route,
        task("long"),
        task("short"),
    ]);
    plan.title = Some("One of everything".into());
    plan.version = Some("1.0.0".into());
    plan.owner = Some("agent/openagent".into());
    plan.labels = vec!["prod".into()];
    plan.types = TYPES.clone();
    plan.params = vec![
        Param {
            name: "query".into(),
            ty: ty("string(3..200)"),
            default: Some(expr("\"HTTP/3\"")),
            doc: Some("What".into()),
        },
        Param {
            name: "depth".into(),
            ty: ty("shallow | deep"),
            default: None,
            doc: None,
        },
    ];
    plan.outputs = vec![output("n", "int?", Expr::Ref(Ref::Attempts(2)))];
    plan.memory = vec![MemoryKey {
        key: "seen.sources".into(),
        ty: ty("json"),
        scope: MemoryScope::Run,
        default: Some(expr("none")),
    }];
    plan.dir = Some(expr("\"out\""));
    plan.limits.parallel = Some(5);
    plan.timeout_ms = Some(60_000);
    plan.failure = FailurePolicy::Continue;
    declare(&mut plan);
    plan
}

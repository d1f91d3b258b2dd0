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
            script: Some(script),
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
    collect.title = Some(expr("(concat \"Collect \" @query)"));
    collect.line = 12;
    collect.kind = Some("research".into());
    collect.labels = vec!["net".into()];
    collect.when = Some(expr("(!= @depth \"shallow\")"));
    collect.priority = -3;
    collect.routes = vec![Route {
        on: "no-results".into(),
        to: 4,
    }];
    let task_ = task_of(&mut collect);
    let script = task_.script.as_mut().unwrap();
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
    }];
    task_.expect = vec![
        check("exists(\"out\")", expr("(exists \"out\")")),
        Expectation::Prose {
            text: "Each source is canonical".into(),
        },
    ];
    task_.requires = vec![check(
        "system.disk.free >= 50MB",
        expr("(>= @world.system.disk.free 50MB)"),
    )];
    task_.retry = Some(Retry {
        max: 3,
        backoff: Backoff::Exponential {
            base_ms: 1000,
            cap_ms: Some(30_000),
            factor_milli: 2000,
            jitter: true,
        },
        on: vec!["timeout".into()],
    });
    task_.timeout = Some(expr("2m"));
    task_.idempotent = false;
    task_.fallback = Some(1);
    task_.remember = vec![Remember {
        key: "seen.sources".into(),
        value: Expr::Ref(Ref::Own("sources".into())),
    }];

    let mut cached = task("cached");
    task_of(&mut cached).output = vec![output("sources", "list[Source]", expr("[]"))];
    task_of(&mut cached).retry = Some(Retry {
        max: 1,
        backoff: Backoff::Immediate,
        on: Vec::new(),
    });

    let mut dive = task("deep-dive");
    dive.needs = vec![need(0)];
    dive.optional = true;
    task_of(&mut dive).each = Some(Each {
        var: "source".into(),
        list: Expr::Ref(Ref::Output(0, "sources".into())),
        by: Some(Expr::Field(Box::new((Expr::Ref(Ref::Each), "link".into())))),
        parallel: Some(4),
        tolerate: Tolerate::BasisPoints(2000),
    });
    task_of(&mut dive).retry = Some(Retry {
        max: 2,
        backoff: Backoff::Linear { base_ms: 1, step_ms: 2 },
        on: Vec::new(),
    });

    let mut gate = Node::new(
        "enough",
        Body::Gate(Box::new(Gate {
            checks: vec![check("…", expr("(exists \"out\")"))],
            script: None,
            timeout: Some(expr("4h")),
            approvers: Vec::new(),
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
    plan.parallel = Some(5);
    plan.timeout_ms = Some(60_000);
    plan.failure = FailurePolicy::Continue;
    plan.unsupported = vec![Unsupported {
        what: "cache".into(),
        node: Some(0),
        line: 20,
        blocks: false,
    }];
    plan
}

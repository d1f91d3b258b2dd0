//! What others would read of a small run that was made by hand.

use engine::event::AttemptId;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use store::RunMeta;

use super::*;

fn attempt(node: u32, attempt: u32, start_ms: i64, end_ms: i64) -> Attempt {
    Attempt {
        id: AttemptId {
            node,
            instance: None,
            attempt,
            start: 0,
            undo: false,
        },
        label: format!("n{node}").into(),
        start_ms,
        end_ms,
        outcome: "exit 0".to_owned(),
        failed: attempt == 1 && node == 0,
        cost: Decimal::new(25, 2),
        tokens: 10,
    }
}

fn trace() -> Trace {
    let meta = serde_json::json!({
        "format":"run/1","journal":"journal/1","run":"r","started":"","plan":"p","ir_hash":"","engine":"","inputs":{},
        "seed":1,"parallel":2,"who":"me","host":"here","cwd":"/","workspace":"/"
    });
    let nodes = ["n0", "n1"].map(|id| ir::plan::Node::new(id, ir::plan::Body::Task(Box::default())));
    let engine = Engine::new(std::sync::Arc::new(ir::Plan {
        nodes: nodes.into(),
        ..ir::Plan::new("p")
    }));
    let times = [(1000, 5000), (2000, 9000)];
    let node = |(mut node, (started_ms, settled_ms)): (NodeSnapshot, (i64, i64))| {
        node.started_ms = Some(started_ms);
        node.settled_ms = Some(settled_ms);
        (node.node, node)
    };
    Trace {
        meta: serde_json::from_value::<RunMeta>(meta).expect("a run"),
        status: "completed",
        message: None,
        start_ms: 1000,
        end_ms: 9000,
        nodes: engine.nodes().into_iter().zip(times).map(node).collect(),
        attempts: vec![
            attempt(0, 1, 1000, 2000),
            attempt(1, 1, 2000, 9000),
            attempt(0, 2, 3000, 5000),
        ],
        marks: vec![Mark {
            time_ms: 1000,
            text: "run started".to_owned(),
        }],
        circuits: vec![("coder".into(), "open")],
    }
}

#[test]
fn lanes_are_used_again_and_never_by_two() {
    let text = chrome::chrome(&trace());
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let events = json["traceEvents"].as_array().expect("a list");
    let lanes: Vec<(u64, u64)> = events
        .iter()
        .filter(|event| event["cat"] == "attempt")
        .map(|event| {
            (
                event["tid"].as_u64().expect("a lane"),
                event["ts"].as_u64().expect("a time"),
            )
        })
        .collect();
    assert_eq!(lanes, [(2, 0), (2, 1_000_000), (3, 2_000_000)]);
    let nodes = events.iter().filter(|event| event["cat"] == "node");
    assert_eq!(
        nodes
            .map(|event| event["ph"].as_str().expect("a phase"))
            .collect::<String>(),
        "bebe"
    );
}

#[test]
fn spans_hang_together_and_are_the_same_each_time() {
    let spans = || -> Vec<_> {
        otlp::spans(&trace())
            .into_iter()
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    };
    let all = spans();
    assert_eq!(all, spans());
    assert_eq!(all.len(), 6);
    let (run, rest) = all.split_first().expect("a run");
    assert!(run.parent_span_id.is_empty() && run.span_id.len() == 8 && run.trace_id.len() == 16);
    for span in rest {
        assert!(
            all.iter().any(|parent| parent.span_id == span.parent_span_id),
            "{}",
            span.name
        );
        assert_eq!(span.trace_id, run.trace_id);
    }
    let mut ids: Vec<_> = all.iter().map(|span| &span.span_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
}

#[test]
fn metrics_count_what_happened() {
    let metrics = otlp::metrics(&trace())
        .resource_metrics
        .remove(0)
        .scope_metrics
        .remove(0)
        .metrics;
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "dslc.run.duration",
            "dslc.node.duration",
            "dslc.attempts",
            "dslc.cost",
            "dslc.tokens",
            "dslc.agent.circuit"
        ]
    );
    let Some(Data::Gauge(circuits)) = &metrics[5].data else {
        panic!("no gauge")
    };
    let open = opentelemetry_proto::tonic::metrics::v1::number_data_point::Value::AsInt(2);
    assert_eq!(circuits.data_points[0].value, Some(open));
    let Some(Data::Histogram(histogram)) = &metrics[1].data else {
        panic!("no histogram")
    };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.sum), (2, Some(11.0)));
    assert_eq!(point.bucket_counts, [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
}

//! OpenTelemetry's protocol: a span for the run, in it one a node, in those one an attempt; and what they took as metrics.
//!
//! Ids are made of the run's name, so that exporting a run twice gives the same spans.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use rust_decimal::prelude::ToPrimitive;

use super::{Attempt, Trace};

/// Receivers take only so much at once.
const SPANS_MAX: usize = 1000;
/// Upper bounds of the histogram, in seconds.
const BOUNDS: &[f64] = &[0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0];
const NANOSECONDS: i64 = 1_000_000;

/// All spans of a run, in as many requests as it takes.
pub fn spans(trace: &Trace) -> Vec<ExportTraceServiceRequest> {
    let ids = Ids::new(&trace.meta.run);
    let mut spans = vec![run_span(trace, &ids)];
    spans.extend(trace.nodes.values().map(|node| {
        let (code, message) = match &node.error {
            Some(error) => (StatusCode::Error, format!("{}: {}", error.kind, error.message)),
            None => (StatusCode::Ok, String::new()),
        };
        Span {
            parent_span_id: ids.run(),
            attributes: vec![
                text("dslc.node.id", &node.id),
                text("dslc.node.title", node.title.as_deref().unwrap_or_default()),
                text("dslc.node.status", node.status.name()),
                number("dslc.node.attempts", i64::from(node.attempts)),
                text("dslc.node.agent", node.agent.as_deref().unwrap_or_default()),
            ],
            ..ids.span(
                ids.node(node.node),
                &node.id,
                (node.started_ms.unwrap_or(trace.start_ms), trace.end_of(node)),
                code,
                message,
            )
        }
    }));
    spans.extend(trace.attempts.iter().map(|attempt| attempt_span(attempt, &ids)));
    let mut requests = Vec::new();
    let mut rest = spans.into_iter().peekable();
    while rest.peek().is_some() {
        let spans = rest.by_ref().take(SPANS_MAX).collect();
        let scope_spans = ScopeSpans {
            scope: Some(scope()),
            spans,
            ..ScopeSpans::default()
        };
        requests.push(ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource(trace)),
                scope_spans: vec![scope_spans],
                ..ResourceSpans::default()
            }],
        });
    }
    requests
}

fn run_span(trace: &Trace, ids: &Ids) -> Span {
    let meta = &trace.meta;
    let (code, message) = match trace.status {
        "failed" | "cancelled" => (StatusCode::Error, trace.message.clone().unwrap_or_default()),
        "completed" => (StatusCode::Ok, String::new()),
        _ => (StatusCode::Unset, String::new()),
    };
    let event = |mark: &super::Mark| Event {
        time_unix_nano: nanoseconds(mark.time_ms),
        name: mark.text.clone(),
        ..Event::default()
    };
    Span {
        attributes: vec![
            text("dslc.run.id", &meta.run),
            text("dslc.run.status", trace.status),
            text("dslc.plan.name", &meta.plan),
            text("dslc.plan.version", meta.version.as_deref().unwrap_or_default()),
            text("dslc.plan.hash", &meta.ir_hash),
            text("dslc.run.who", &meta.who),
        ],
        events: trace.marks.iter().map(event).collect(),
        ..ids.span(ids.run(), &meta.plan, (trace.start_ms, trace.end_ms), code, message)
    }
}

fn attempt_span(attempt: &Attempt, ids: &Ids) -> Span {
    let id = attempt.id;
    let (code, message) = if attempt.failed {
        (StatusCode::Error, attempt.outcome.clone())
    } else {
        (StatusCode::Ok, String::new())
    };
    let mut attributes = vec![
        text("dslc.attempt.label", &attempt.label),
        number("dslc.attempt.number", i64::from(id.attempt)),
        number("dslc.attempt.start", i64::from(id.start)),
        text("dslc.attempt.outcome", &attempt.outcome),
    ];
    if !attempt.cost.is_zero() {
        attributes.push(text("dslc.attempt.cost", &attempt.cost.to_string()));
    }
    if attempt.tokens > 0 {
        attributes.push(number("dslc.attempt.tokens", signed(attempt.tokens)));
    }
    Span {
        parent_span_id: ids.node(id.node),
        attributes,
        ..ids.span(
            ids.attempt(attempt),
            &format!("{} #{}", attempt.label, id.attempt),
            (attempt.start_ms, attempt.end_ms),
            code,
            message,
        )
    }
}

/// What the run took, by node and by outcome.
pub fn metrics(trace: &Trace) -> ExportMetricsServiceRequest {
    let time = nanoseconds(trace.end_ms);
    let start = nanoseconds(trace.start_ms);
    let point = |attributes: Vec<KeyValue>, value: number_data_point::Value| NumberDataPoint {
        attributes: [plan(trace), attributes].concat(),
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(value),
        ..NumberDataPoint::default()
    };
    let seconds = |from_ms: i64, to_ms: i64| (to_ms - from_ms).max(0) as f64 / 1000.0;
    let sum = |data_points| {
        Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Delta.into(),
            is_monotonic: true,
        })
    };
    let took: Vec<f64> = trace
        .nodes
        .values()
        .filter_map(|node| Some(seconds(node.started_ms?, node.settled_ms?)))
        .collect();
    let mut outcomes = std::collections::BTreeMap::<&str, i64>::new();
    for attempt in &trace.attempts {
        *outcomes.entry(&attempt.outcome).or_default() += 1;
    }
    let attempts = outcomes.into_iter().map(|(outcome, count)| {
        point(
            vec![text("dslc.attempt.outcome", outcome)],
            number_data_point::Value::AsInt(count),
        )
    });
    let cost: rust_decimal::Decimal = trace.attempts.iter().map(|attempt| attempt.cost).sum();
    let tokens: u64 = trace.attempts.iter().map(|attempt| attempt.tokens).sum();
    let run_seconds = seconds(trace.start_ms, trace.end_ms);
    let circuits = trace.circuits.iter().map(|(agent, state)| {
        let value = match *state {
            "closed" => 0,
            "half-open" => 1,
            _ => 2,
        };
        let agent = text("dslc.agent.name", agent);
        point(
            vec![agent, text("dslc.circuit.state", state)],
            number_data_point::Value::AsInt(value),
        )
    });
    let mut metrics = vec![
        metric(
            "dslc.run.duration",
            "s",
            "How long the run took",
            Data::Gauge(Gauge {
                data_points: vec![point(
                    vec![text("dslc.run.status", trace.status)],
                    number_data_point::Value::AsDouble(run_seconds),
                )],
            }),
        ),
        metric(
            "dslc.node.duration",
            "s",
            "How long nodes took",
            Data::Histogram(Histogram {
                data_points: vec![histogram(trace, &took, start, time)],
                aggregation_temporality: AggregationTemporality::Delta.into(),
            }),
        ),
        metric(
            "dslc.attempts",
            "{attempt}",
            "Attempts by how they ended",
            sum(attempts.collect()),
        ),
        metric(
            "dslc.cost",
            "{USD}",
            "What calls cost",
            sum(vec![point(
                Vec::new(),
                number_data_point::Value::AsDouble(cost.to_f64().unwrap_or_default()),
            )]),
        ),
        metric(
            "dslc.tokens",
            "{token}",
            "Tokens that calls used",
            sum(vec![point(Vec::new(), number_data_point::Value::AsInt(signed(tokens)))]),
        ),
    ];
    if !trace.circuits.is_empty() {
        metrics.push(metric(
            "dslc.agent.circuit",
            "1",
            "Breakers of agents: 0 closed, 1 half-open, 2 open",
            Data::Gauge(Gauge {
                data_points: circuits.collect(),
            }),
        ));
    }
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource(trace)),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn histogram(trace: &Trace, took: &[f64], start: u64, time: u64) -> HistogramDataPoint {
    let mut bucket_counts = vec![0; BOUNDS.len() + 1];
    for seconds in took {
        bucket_counts[BOUNDS.partition_point(|bound| bound < seconds)] += 1;
    }
    HistogramDataPoint {
        attributes: plan(trace),
        start_time_unix_nano: start,
        time_unix_nano: time,
        count: took.len() as u64,
        sum: Some(took.iter().sum()),
        bucket_counts,
        explicit_bounds: BOUNDS.to_vec(),
        min: took.iter().copied().reduce(f64::min),
        max: took.iter().copied().reduce(f64::max),
        ..HistogramDataPoint::default()
    }
}

fn metric(name: &str, unit: &str, description: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        description: description.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn plan(trace: &Trace) -> Vec<KeyValue> {
    vec![text("dslc.plan.name", &trace.meta.plan)]
}

fn resource(trace: &Trace) -> Resource {
    let service = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "dslc".to_owned());
    Resource {
        attributes: vec![
            text("service.name", &service),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("host.name", &trace.meta.host),
        ],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "dslc".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Names for spans that are the same whenever they are asked for.
struct Ids {
    run: blake3::Hasher,
    trace: Vec<u8>,
}

impl Ids {
    fn new(run: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("dslc 2026 span ids");
        hasher.update(run.as_bytes());
        let trace = hasher.finalize().as_bytes()[..16].to_vec();
        Self { run: hasher, trace }
    }

    fn id(&self, kind: &str, parts: &[u32]) -> Vec<u8> {
        let mut hasher = self.run.clone();
        hasher.update(kind.as_bytes());
        for part in parts {
            hasher.update(&part.to_le_bytes());
        }
        hasher.finalize().as_bytes()[..8].to_vec()
    }

    fn run(&self) -> Vec<u8> {
        self.id("run", &[])
    }

    fn node(&self, node: u32) -> Vec<u8> {
        self.id("node", &[node])
    }

    fn attempt(&self, attempt: &Attempt) -> Vec<u8> {
        let id = attempt.id;
        // an instance or none
        let instance = id.instance.map_or([0, 0], |instance| [1, instance]);
        self.id(
            "attempt",
            &[
                id.node,
                instance[0],
                instance[1],
                id.attempt,
                id.start,
                u32::from(id.undo),
            ],
        )
    }

    fn span(&self, id: Vec<u8>, name: &str, (start_ms, end_ms): (i64, i64), code: StatusCode, message: String) -> Span {
        Span {
            trace_id: self.trace.clone(),
            span_id: id,
            name: name.to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: nanoseconds(start_ms),
            end_time_unix_nano: nanoseconds(end_ms),
            status: Some(Status {
                message,
                code: code.into(),
            }),
            ..Span::default()
        }
    }
}

fn nanoseconds(ms: i64) -> u64 {
    u64::try_from(ms.saturating_mul(NANOSECONDS)).unwrap_or(0)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

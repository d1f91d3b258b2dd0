//! The Chrome trace format, which Perfetto and `chrome://tracing` open: attempts in as many lanes as ran at once, nodes
//! above them.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Trace;

/// Rows of the picture.
const RUN: u32 = 0;
const NODES: u32 = 1;
const FIRST_LANE: u32 = 2;

/// One JSON object; times are in microseconds since the run started.
pub fn chrome(trace: &Trace) -> String {
    let mut events = Vec::new();
    let name = |row: u32, name: String| json!({"ph":"M","pid":1,"tid":row,"name":"thread_name","args":{"name":name}});
    events.push(json!({"ph":"M","pid":1,"name":"process_name","args":{"name":format!("{} {}", trace.meta.plan, trace.meta.run)}}));
    events.push(name(RUN, "run".to_owned()));
    events.push(name(NODES, "nodes".to_owned()));
    let at = |ms: i64| (ms - trace.start_ms) * 1000;
    events.push(json!({
        "ph":"X","pid":1,"tid":RUN,"name":trace.meta.plan,"cat":"run","ts":0,"dur":at(trace.end_ms),
        "args":{"run":trace.meta.run,"status":trace.status,"version":trace.meta.version}
    }));
    for mark in &trace.marks {
        events.push(json!({"ph":"i","s":"p","pid":1,"tid":RUN,"cat":"run","name":mark.text,"ts":at(mark.time_ms)}));
    }
    for node in trace.nodes.values() {
        // nodes overlap, and async spans may
        let start = at(node.started_ms.unwrap_or(trace.start_ms));
        let end = at(trace.end_of(node));
        let args = json!({"title":node.title,"status":node.status.name(),"attempts":node.attempts,
            "error":node.error.as_ref().map(|error| format!("{}: {}", error.kind, error.message))});
        events.push(
            json!({"ph":"b","pid":1,"tid":NODES,"cat":"node","id":node.node,"name":node.id,"ts":start,"args":args}),
        );
        events.push(json!({"ph":"e","pid":1,"tid":NODES,"cat":"node","id":node.node,"name":node.id,"ts":end}));
    }
    let mut lanes: Vec<i64> = Vec::new();
    for attempt in &trace.attempts {
        let free = lanes.iter().position(|busy_until| *busy_until <= attempt.start_ms);
        let lane = free.unwrap_or_else(|| {
            let lane = lanes.len();
            events.push(name(FIRST_LANE + lane as u32, format!("slot {}", lane + 1)));
            lanes.push(0);
            lane
        });
        lanes[lane] = attempt.end_ms;
        events.push(json!({
            "ph":"X","pid":1,"tid":FIRST_LANE + lane as u32,"cat":"attempt","name":attempt.label,
            "ts":at(attempt.start_ms),"dur":at(attempt.end_ms) - at(attempt.start_ms),
            "cname":if attempt.failed {"terrible"} else {"good"},
            "args":{"attempt":attempt.id.attempt,"outcome":attempt.outcome}
        }));
    }
    lines(&events)
}

/// One event a line, so that a difference between two traces can be read.
fn lines(events: &[Value]) -> String {
    let mut text = String::from("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    for (at, event) in events.iter().enumerate() {
        let comma = if at + 1 < events.len() { "," } else { "" };
        // Infallible: writing to a string.
        let _ = writeln!(text, "{event}{comma}");
    }
    text.push_str("]}\n");
    text
}

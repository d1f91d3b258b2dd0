//! Sending to a receiver of OpenTelemetry over HTTP, with the variables that its own tools know.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use super::{Trace, otlp};
use crate::failure::Failure;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
/// Where receivers listen by default.
const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:4318";
const PATIENCE: Duration = Duration::from_secs(10);

/// What was sent.
pub struct Sent {
    pub endpoint: String,
    pub spans: usize,
    pub metrics: usize,
}

/// Sends all spans and metrics. `endpoint` is the receiver's address without a path; absent: what the environment says.
pub fn send(trace: &Trace, endpoint: Option<&str>) -> Result<Sent, Failure> {
    let from_environment = std::env::var(ENDPOINT).ok().filter(|endpoint| !endpoint.is_empty());
    let endpoint = endpoint
        .map(str::to_owned)
        .or(from_environment)
        .unwrap_or_else(|| ENDPOINT_DEFAULT.to_owned());
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let mut sent = Sent {
        endpoint,
        spans: 0,
        metrics: 0,
    };
    for request in otlp::spans(trace) {
        let spans: usize = request
            .resource_spans
            .iter()
            .flat_map(|resource| &resource.scope_spans)
            .map(|scope| scope.spans.len())
            .sum();
        let answer = post(&agent, &format!("{}/v1/traces", sent.endpoint), request.encode_to_vec())?;
        refused(&answer)?;
        sent.spans += spans;
    }
    let request = otlp::metrics(trace);
    sent.metrics = request
        .resource_metrics
        .iter()
        .flat_map(|resource| &resource.scope_metrics)
        .map(|scope| scope.metrics.len())
        .sum();
    post(
        &agent,
        &format!("{}/v1/metrics", sent.endpoint),
        request.encode_to_vec(),
    )?;
    Ok(sent)
}

fn post(agent: &ureq::Agent, url: &str, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let failed = |what: String| {
        Failure::internal(format!("cannot export to `{url}`: {what}")).help(format!(
            "give the receiver's address with `--otlp URL` or in ${ENDPOINT}"
        ))
    };
    let mut request = agent.post(url).header("content-type", "application/x-protobuf");
    let headers = std::env::var(HEADERS).unwrap_or_default();
    for (name, value) in headers.split(',').filter_map(|header| header.split_once('=')) {
        let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8_lossy();
        request = request.header(name.trim(), &*value);
    }
    let mut answer = request.send(&body[..]).map_err(|error| failed(error.to_string()))?;
    answer
        .body_mut()
        .read_to_vec()
        .map_err(|error| failed(error.to_string()))
}

/// A receiver may take a part only, and say so.
fn refused(answer: &[u8]) -> Result<(), Failure> {
    // some answer with JSON or nothing, which is no refusal
    let partial = ExportTraceServiceResponse::decode(answer)
        .ok()
        .and_then(|answer| answer.partial_success);
    match partial.filter(|partial| partial.rejected_spans > 0) {
        None => Ok(()),
        Some(partial) => Err(Failure::internal(format!(
            "the receiver refused {} spans: {}",
            partial.rejected_spans, partial.error_message
        ))),
    }
}

//! Rows of figures: median, 99th percentile, the ratio to the null server, the server's own processor time, and what
//! was aimed at.

use std::time::Duration;

/// How long something took, each time.
pub struct Times {
    pub name: &'static str,
    pub each: Vec<Duration>,
    /// What the server used a processor for meanwhile, all in all: unlike the rest, this does not grow with the machine's load.
    pub processor: Duration,
}

pub fn heading(what: &str) {
    println!(
        "\n  {what:<40} {:>9} {:>9} {:>9} {:>9} {:>6}",
        "median ms", "p99 ms", "× null", "cpu ms", "times"
    );
}

pub fn row(name: &str, ours: &Times, floor: &Times, most: Option<f64>) {
    let verdict = most.map_or_else(String::new, |most| verdict(at(&ours.each, 0.99), most, " ms"));
    println!(
        "  {name:<40} {:>9.2} {:>9.2} {:>8.1}× {:>9.2} {:>6}{verdict}",
        at(&ours.each, 0.5),
        at(&ours.each, 0.99),
        at(&ours.each, 0.5) / at(&floor.each, 0.5).max(1e-6),
        ours.processor.as_secs_f64() * 1e3 / ours.each.len().max(1) as f64,
        ours.each.len(),
    );
}

/// All of some kinds.
pub fn together(kinds: &[Times]) -> Times {
    Times {
        name: "",
        each: kinds.iter().flat_map(|kind| kind.each.clone()).collect(),
        processor: kinds.iter().map(|kind| kind.processor).sum(),
    }
}

/// One figure that has a target.
pub fn single(name: &str, figure: f64, most: f64, unit: &str) {
    println!("  {name:<40} {figure:>9.2}{unit}{}", verdict(figure, most, unit));
}

fn verdict(figure: f64, most: f64, unit: &str) -> String {
    let word = if figure <= most { "within" } else { "BEYOND" };
    format!("  {word} {most}{unit}")
}

/// A share of the times is at most this, in milliseconds.
fn at(times: &[Duration], share: f64) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    sorted.sort_by(f64::total_cmp);
    let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

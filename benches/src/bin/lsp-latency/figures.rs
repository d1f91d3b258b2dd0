//! Rows of figures: median, 99th percentile, the ratio to the null server, and what was aimed at.

use std::time::Duration;

pub fn heading(what: &str) {
    println!(
        "\n  {what:<44} {:>9} {:>9} {:>9} {:>9}",
        "median ms", "p99 ms", "× null", "times"
    );
}

pub fn row(name: &str, times: &[Duration], floor: &[Duration], most: Option<f64>) {
    let verdict = most.map_or_else(String::new, |most| verdict(at(times, 0.99), most, " ms"));
    println!(
        "  {name:<44} {:>9.2} {:>9.2} {:>8.1}× {:>9}{verdict}",
        at(times, 0.5),
        at(times, 0.99),
        at(times, 0.5) / at(floor, 0.5).max(1e-6),
        times.len(),
    );
}

/// One figure that has a target.
pub fn single(name: &str, figure: f64, most: f64, unit: &str) {
    println!("  {name:<44} {figure:>9.2}{unit}{}", verdict(figure, most, unit));
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

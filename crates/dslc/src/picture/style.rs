//! Shapes, colours and the legend.
//!
//! Classes instead of attributes, so that one style sheet decides, by the reader's preference for light or dark.

use std::fmt::Write;

use super::words::width;
use super::{CORNER, Picture, SMALL_SIZE, Shape};

pub const STYLE: &str = "\
<style>
text { font-family: system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; fill: #1f2933 }
.heading { font-size: 15.6px; font-weight: 650 }
.name { font-size: 13px; font-weight: 650; text-anchor: middle }
.title { font-size: 12px; text-anchor: middle; fill: #3e4c59 }
.note { font-size: 11px; text-anchor: middle; fill: #66788a }
.small { font-size: 11px; fill: #66788a }
.waits { text-anchor: middle }
.label { font-size: 11px; text-anchor: middle; fill: #52606d }
.paper { fill: #ffffff }
.box { fill: #eef4fb; stroke: #7f9fc4; stroke-width: 1.25 }
.back { fill: #d9e6f5; stroke: #7f9fc4; stroke-width: 1.25 }
.milestone .box { fill: #f1f3f5; stroke: #9aa5b1 }
.gate .box { fill: #fdf3d7; stroke: #d3a93d }
.decision .box { fill: #f0eafb; stroke: #a48bd0 }
.line { fill: none; stroke: #8595a6; stroke-width: 1.4 }
.dashed { stroke-dasharray: 5 4 }
.tip { fill: #8595a6 }
.critical .box, .critical .back { stroke: #d9480f; stroke-width: 2.2 }
.critical .note { fill: #c2410c; font-weight: 600 }
.critical-line { stroke: #d9480f; stroke-width: 2.4 }
.critical-label { fill: #c2410c; font-weight: 600 }
.critical-tip { fill: #d9480f }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb }
  .title { fill: #cbd2d9 }
  .note, .small { fill: #9aa5b1 }
  .label { fill: #b6c2cf }
  .paper { fill: #161b22 }
  .box { fill: #1c2b3e; stroke: #5b83b3 }
  .back { fill: #15202e; stroke: #5b83b3 }
  .milestone .box { fill: #23292f; stroke: #7b8794 }
  .gate .box { fill: #352b10; stroke: #c29a33 }
  .decision .box { fill: #2a2140; stroke: #967ccb }
  .line { stroke: #7b8794 }
  .tip { fill: #7b8794 }
  .critical .box, .critical .back { stroke: #ff8f50 }
  .critical .note, .critical-label { fill: #ffa873 }
  .critical-line { stroke: #ff8f50 }
  .critical-tip { fill: #ff8f50 }
}
</style>
<defs>
<marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"2\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip\" d=\"M0 0 L10 5 L0 10 z\"/></marker>
<marker id=\"critical-tip\" viewBox=\"0 0 10 10\" refX=\"2\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"critical-tip\" d=\"M0 0 L10 5 L0 10 z\"/></marker>
</defs>
";

pub fn shape(shape: Shape, x: f64, y: f64, width: f64, height: f64) -> String {
    let (right, bottom) = (x + width, y + height);
    let corner = CORNER.min(width / 5.0);
    let by = if width < 40.0 { 2.0 } else { 3.0 };
    let (middle_x, middle_y) = (x + width / 2.0, y + height / 2.0);
    match shape {
        Shape::Task => rect("box", x, y, width, height, 6.0),
        Shape::Milestone => rect("box", x, y, width, height, height / 2.0),
        Shape::FanOut => {
            let (width, height) = (width - 6.0, height - 6.0);
            let back = |by: f64| rect("back", x + by, y + 6.0 - by, width, height, 6.0);
            back(2.0 * by) + &back(by) + &rect("box", x, y + 6.0, width, height, 6.0)
        }
        Shape::Gate => format!(
            "<path class=\"box\" d=\"M{:.1} {y:.1} H{:.1} L{right:.1} {middle_y:.1} L{:.1} {bottom:.1} H{:.1} L{x:.1} {middle_y:.1} z\"/>",
            x + corner,
            right - corner,
            right - corner,
            x + corner
        ),
        Shape::Decision => format!(
            "<path class=\"box\" d=\"M{middle_x:.1} {y:.1} L{right:.1} {middle_y:.1} L{middle_x:.1} {bottom:.1} L{x:.1} {middle_y:.1} z\"/>"
        ),
    }
}

fn rect(class: &str, x: f64, y: f64, width: f64, height: f64, corner: f64) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{corner:.1}\"/>"
    )
}

pub struct Legend {
    pub text: String,
    pub width: f64,
    pub height: f64,
}

/// What stands for what, of that which the picture has.
pub fn legend(picture: &Picture) -> Legend {
    const HEIGHT: f64 = 38.0;
    let mut legend = Legend {
        text: String::new(),
        width: 0.0,
        height: HEIGHT,
    };
    let mut x = 0.0;
    let mut entry = |sample: String, words: &str| {
        let _ = writeln!(
            legend.text,
            "<g transform=\"translate({x:.1} 0)\">{sample}<text class=\"small\" x=\"36\" y=\"15\">{words}</text></g>"
        );
        x += 36.0 + width(words, SMALL_SIZE) + 18.0;
    };
    for kind in Shape::ALL {
        if picture.figures.iter().any(|figure| figure.shape == kind) {
            let sample = format!("<g class=\"{}\">{}</g>", kind.word(), shape(kind, 0.0, 2.0, 28.0, 17.0));
            entry(sample, kind.word());
        }
    }
    let mut line = |class: &str, tip: &str, words: &str| {
        entry(
            format!("<path class=\"line {class}\" d=\"M0 11 H22\" marker-end=\"url(#{tip})\"/>"),
            words,
        );
    };
    if picture.arrows.iter().any(|arrow| !arrow.dashed) {
        line("", "tip", "must complete first");
    }
    if picture.arrows.iter().any(|arrow| arrow.dashed) {
        line("dashed", "tip", "starts it");
    }
    if picture.figures.iter().any(|figure| figure.critical) {
        line("critical-line", "critical-tip", "critical path, at worst");
    }
    legend.width = x;
    legend
}

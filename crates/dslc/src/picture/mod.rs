//! A graph as a layered picture in SVG: what to draw goes in, text comes out.
//!
//! The layout is our own: rust-sugiyama, the library that was looked at, recurses as deep as the graph, orders by hash
//! maps (no two pictures alike) and keeps the bends of edges to itself. Fonts, scripts and links: none from outside;
//! light and dark by the reader's preference. Absent: plans.

mod coordinates;
mod layers;
mod style;
mod words;

use std::fmt::Write;

use coordinates::Placed;
use layers::{Layered, Link};
use words::{escaped, width, wrapped};

/// With more nodes and bends of edges, edges go straight and crossings stay.
const TIDY_ITEMS_MAX: usize = 40_000;

const MARGIN: f64 = 24.0;
const PADDING: (f64, f64) = (14.0, 10.0);
const NAME_SIZE: f64 = 13.0;
const TITLE_SIZE: f64 = 12.0;
const SMALL_SIZE: f64 = 11.0;
const TITLE_WIDTH_MAX: f64 = 170.0;
const LINE_HEIGHT: f64 = 1.32;
const CORNER: f64 = 14.0;
/// How far an arrow goes straight before it bends, and how long its tip is.
const LEAD: f64 = 8.0;
const TIP: f64 = 6.0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Task,
    /// Runs nothing.
    Milestone,
    /// Many instances.
    FanOut,
    Gate,
    Decision,
}

impl Shape {
    const ALL: [Self; 5] = [Self::Task, Self::FanOut, Self::Milestone, Self::Gate, Self::Decision];

    const fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Milestone => "milestone",
            Self::FanOut => "fan-out",
            Self::Gate => "gate",
            Self::Decision => "decision",
        }
    }
}

pub struct Figure {
    pub name: String,
    pub title: Option<String>,
    /// A line below: what it takes.
    pub note: Option<String>,
    pub shape: Shape,
    /// The note is about people, whose time does not count.
    pub waits: bool,
    pub critical: bool,
}

pub struct Arrow {
    pub from: usize,
    pub to: usize,
    pub label: Option<String>,
    /// Not a need.
    pub dashed: bool,
    pub critical: bool,
}

pub struct Picture {
    pub title: String,
    pub subtitle: String,
    pub figures: Vec<Figure>,
    pub arrows: Vec<Arrow>,
}

/// The text, and whether it was too large to be drawn tidily.
pub fn svg(picture: &Picture) -> (String, bool) {
    let boxes: Vec<Boxed> = picture.figures.iter().map(Boxed::new).collect();
    let sizes: Vec<(f64, f64)> = boxes.iter().map(|boxed| (boxed.width, boxed.height)).collect();
    let links: Vec<Link> = picture.arrows.iter().map(link).collect();
    let tidy = bends(&sizes, &links) <= TIDY_ITEMS_MAX;
    let layered = Layered::new(&sizes, &links, tidy);
    let placed = Placed::new(&layered);
    let drawing = Drawing {
        picture,
        boxes: &boxes,
        layered: &layered,
        placed: &placed,
        text: String::new(),
    };
    (drawing.draw(), tidy)
}

fn link(arrow: &Arrow) -> Link {
    let label = arrow.label.as_ref();
    Link {
        from: arrow.from,
        to: arrow.to,
        label: label.map(|label| (width(label, SMALL_SIZE) + 8.0, SMALL_SIZE * LINE_HEIGHT + 4.0)),
    }
}

/// How many items the layout would have.
fn bends(sizes: &[(f64, f64)], links: &[Link]) -> usize {
    let plain = Layered::new(sizes, links, false);
    let between = |link: &Link| {
        plain.items[link.to]
            .layer
            .saturating_sub(plain.items[link.from].layer + 1)
    };
    links.iter().map(between).sum::<usize>() + sizes.len()
}

/// A figure with its lines and its size.
struct Boxed {
    width: f64,
    height: f64,
    title: Vec<String>,
    /// Height of the text.
    inner: f64,
}

impl Boxed {
    fn new(figure: &Figure) -> Self {
        let title = figure.title.as_deref().unwrap_or_default();
        let title = wrapped(title, TITLE_SIZE, TITLE_WIDTH_MAX);
        let lines = title.iter().map(|line| width(line, TITLE_SIZE));
        let note = figure.note.iter().map(|note| width(note, SMALL_SIZE));
        let name = width(&figure.name, NAME_SIZE) * 1.06;
        let wide = lines.chain(note).fold(name, f64::max).max(44.0);
        let small = if figure.note.is_some() { SMALL_SIZE } else { 0.0 };
        let inner = (NAME_SIZE + TITLE_SIZE * title.len() as f64 + small) * LINE_HEIGHT;
        let (wide, high) = (wide + 2.0 * PADDING.0, inner + 2.0 * PADDING.1);
        let (width, height) = match figure.shape {
            // the name, the shortest line, stands where the diamond is narrow
            Shape::Decision => (wide * 1.4, inner * 1.75 + PADDING.1),
            Shape::Gate => (wide + 2.0 * CORNER, high),
            Shape::Milestone => (wide + CORNER, high),
            Shape::FanOut => (wide + 6.0, high + 6.0),
            Shape::Task => (wide, high),
        };
        Self {
            width,
            height,
            title,
            inner,
        }
    }
}

struct Drawing<'a> {
    picture: &'a Picture,
    boxes: &'a [Boxed],
    layered: &'a Layered,
    placed: &'a Placed,
    text: String,
}

impl Drawing<'_> {
    fn draw(mut self) -> String {
        let header = NAME_SIZE * 1.2 + SMALL_SIZE * 1.6 + 22.0;
        let legend = style::legend(self.picture);
        let title_width = width(&self.picture.title, NAME_SIZE * 1.2).max(width(&self.picture.subtitle, SMALL_SIZE));
        let inner = self.placed.width.max(legend.width).max(title_width);
        let total = (
            inner + 2.0 * MARGIN,
            header + self.placed.height + legend.height + 2.0 * MARGIN,
        );
        let (width, height) = (total.0.ceil(), total.1.ceil());
        let title = escaped(&self.picture.title);
        let _ = write!(
            self.text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n{}\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
             <text class=\"heading\" x=\"{MARGIN}\" y=\"{}\">{title}</text>\n\
             <text class=\"small\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n",
            style::STYLE,
            MARGIN + NAME_SIZE,
            MARGIN + NAME_SIZE + SMALL_SIZE * 1.7,
            escaped(&self.picture.subtitle),
        );
        let left = MARGIN + (inner - self.placed.width) / 2.0;
        let _ = writeln!(
            self.text,
            "<g transform=\"translate({left:.1} {:.1})\">",
            MARGIN + header
        );
        // what is critical is drawn over what is not, and labels over lines
        for critical in [false, true] {
            for at in 0..self.picture.arrows.len() {
                if self.picture.arrows[at].critical == critical {
                    self.arrow(at);
                }
            }
        }
        (0..self.picture.arrows.len()).for_each(|at| self.label(at));
        (0..self.picture.figures.len()).for_each(|at| self.figure(at));
        self.text.push_str("</g>\n");
        let top = MARGIN + header + self.placed.height + 18.0;
        let _ = writeln!(self.text, "<g transform=\"translate({MARGIN} {top:.1})\">");
        self.text.push_str(&legend.text);
        self.text.push_str("</g>\n</svg>\n");
        self.text
    }

    /// The top left corner of a figure; it stands in the middle of its layer.
    fn corner(&self, at: usize) -> (f64, f64) {
        let boxed = &self.boxes[at];
        let (top, bottom) = self.placed.bands[self.layered.items[at].layer];
        let y = f64::midpoint(top, bottom) - boxed.height / 2.0;
        (self.placed.x[at] - boxed.width / 2.0, y)
    }

    fn figure(&mut self, at: usize) {
        let figure = &self.picture.figures[at];
        let boxed = &self.boxes[at];
        let (x, y) = self.corner(at);
        let critical = if figure.critical { " critical" } else { "" };
        let _ = write!(self.text, "<g class=\"{}{critical}\">", figure.shape.word());
        let about = [Some(&figure.name), figure.title.as_ref(), figure.note.as_ref()];
        let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
        let _ = write!(self.text, "<title>{}</title>", escaped(&about.join(" – ")));
        self.text
            .push_str(&style::shape(figure.shape, x, y, boxed.width, boxed.height));
        let middle = match figure.shape {
            Shape::FanOut => x + (boxed.width - 6.0) / 2.0,
            _ => x + boxed.width / 2.0,
        };
        let mut line = y + (boxed.height - boxed.inner) / 2.0;
        if figure.shape == Shape::FanOut {
            line += 3.0;
        }
        let mut put = |class: &str, size: f64, text: &str| {
            line += size * LINE_HEIGHT;
            let base = line - size * 0.34;
            let _ = write!(
                self.text,
                "<text class=\"{class}\" x=\"{middle:.1}\" y=\"{base:.1}\">{}</text>",
                escaped(text)
            );
        };
        put("name", NAME_SIZE, &figure.name);
        boxed.title.iter().for_each(|text| put("title", TITLE_SIZE, text));
        if let Some(note) = &figure.note {
            put(if figure.waits { "small waits" } else { "note" }, SMALL_SIZE, note);
        }
        self.text.push_str("</g>\n");
    }

    /// From the bottom of one figure to the top of another, straight through the layers between them.
    fn arrow(&mut self, at: usize) {
        let arrow = &self.picture.arrows[at];
        let route = &self.layered.routes[at];
        let (start_x, start_y) = self.port(at, true);
        let (end_x, end_y) = self.port(at, false);
        let mut points = vec![(start_x, start_y), (start_x, start_y + LEAD)];
        let inner = route.get(1..route.len().saturating_sub(1)).unwrap_or_default();
        for &bend in inner {
            let x = self.placed.x[bend];
            let (top, bottom) = self.placed.bands[self.layered.items[bend].layer];
            let middle = f64::midpoint(top, bottom);
            if self.layered.items[bend].width > 0.0 || !self.layered.is_for_labels(bend) {
                points.extend([(x, top), (x, middle), (x, bottom)]);
            } else {
                points.push((x, middle));
            }
        }
        // the tip of the arrow reaches the figure
        points.extend([(end_x, end_y - TIP - LEAD), (end_x, end_y - TIP)]);
        let path = curve(&points);
        let class = match (arrow.dashed, arrow.critical) {
            (false, false) => "line",
            (true, false) => "line dashed",
            (false, true) => "line critical-line",
            (true, true) => "line dashed critical-line",
        };
        let tip = if arrow.critical { "critical-tip" } else { "tip" };
        let _ = writeln!(
            self.text,
            "<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#{tip})\"/>"
        );
    }

    /// Where an arrow leaves or enters its figure: beside the others that do.
    fn port(&self, at: usize, leaves: bool) -> (f64, f64) {
        let route = &self.layered.routes[at];
        let arrow = &self.picture.arrows[at];
        let (node, next) = if leaves {
            (arrow.from, route[1])
        } else {
            (arrow.to, route[route.len() - 2])
        };
        let (x, y) = self.corner(node);
        let boxed = &self.boxes[node];
        let y = if leaves { y + boxed.height } else { y };
        let others = if leaves {
            &self.layered.below[node]
        } else {
            &self.layered.above[node]
        };
        let count = others.len() as f64;
        let left_of = |other: &&usize| (self.placed.x[**other], **other) < (self.placed.x[next], next);
        let place = others.iter().filter(left_of).count() as f64;
        let room = match self.picture.figures[node].shape {
            Shape::Decision => 0.0,
            _ => (boxed.width - 2.0 * CORNER) * 0.7,
        };
        let step = if count > 1.0 {
            (room / (count - 1.0)).min(22.0)
        } else {
            0.0
        };
        let middle = x + boxed.width / 2.0;
        (middle + (place - (count - 1.0) / 2.0) * step, y)
    }

    fn label(&mut self, at: usize) {
        let arrow = &self.picture.arrows[at];
        let Some(label) = &arrow.label else { return };
        let route = &self.layered.routes[at];
        let (x, y) = if route.len() > 2 {
            let (top, bottom) = self.placed.bands[self.layered.items[route[1]].layer];
            (self.placed.x[route[1]], f64::midpoint(top, bottom))
        } else {
            let ((x0, y0), (x1, y1)) = (self.port(at, true), self.port(at, false));
            (f64::midpoint(x0, x1), f64::midpoint(y0, y1))
        };
        let (wide, high) = (width(label, SMALL_SIZE) + 8.0, SMALL_SIZE * LINE_HEIGHT + 2.0);
        let class = if arrow.critical {
            "label critical-label"
        } else {
            "label"
        };
        let _ = writeln!(
            self.text,
            "<rect class=\"paper\" x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" rx=\"3\"/>\
             <text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            x - wide / 2.0,
            y - high / 2.0,
            y + SMALL_SIZE * 0.35,
            escaped(label)
        );
    }
}

/// A smooth curve along the points, from the first to the last: a uniform cubic B-spline.
fn curve(points: &[(f64, f64)]) -> String {
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let between = |a: (f64, f64), b: (f64, f64), share: f64| (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share);
    let mut path = format!("M{:.1} {:.1}", first.0, first.1);
    let start = between(first, *points.get(1).unwrap_or(&last), 1.0 / 6.0);
    let _ = write!(path, " L{:.1} {:.1}", start.0, start.1);
    let ended: Vec<(f64, f64)> = points.iter().copied().chain([last]).collect();
    for triple in ended.windows(3) {
        let [before, at, after] = [triple[0], triple[1], triple[2]];
        let (a, b) = (between(before, at, 1.0 / 3.0), between(before, at, 2.0 / 3.0));
        let end = (
            (before.0 + 4.0 * at.0 + after.0) / 6.0,
            (before.1 + 4.0 * at.1 + after.1) / 6.0,
        );
        let _ = write!(
            path,
            " C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            a.0, a.1, b.0, b.1, end.0, end.1
        );
    }
    let _ = write!(path, " L{:.1} {:.1}", last.0, last.1);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str) -> Figure {
        Figure {
            name: name.to_owned(),
            title: Some("<script>alert(\"&\")</script>".to_owned()),
            note: None,
            shape: Shape::Task,
            waits: false,
            critical: false,
        }
    }

    fn chain(count: usize, critical: bool) -> Picture {
        let arrow = |at: usize| Arrow {
            from: at,
            to: at + 1,
            label: (at.is_multiple_of(3)).then(|| "on failure".to_owned()),
            dashed: at.is_multiple_of(3),
            critical,
        };
        Picture {
            title: "p".to_owned(),
            subtitle: String::new(),
            figures: (0..count).map(|at| figure(&format!("n{at}"))).collect(),
            arrows: (1..count).map(|at| arrow(at - 1)).collect(),
        }
    }

    #[test]
    fn text_of_a_plan_is_no_markup() {
        let (svg, _) = svg(&chain(2, false));
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
    }

    #[test]
    fn the_same_graph_is_the_same_picture() {
        let picture = chain(40, true);
        assert_eq!(svg(&picture), svg(&picture));
        assert!(svg(&picture).0.contains("critical-line"));
    }

    #[test]
    fn a_huge_graph_is_drawn_simply_and_soon() {
        let mut picture = chain(3000, false);
        // every fifth node waits for the first
        let far = |to| Arrow {
            from: 0,
            to,
            label: None,
            dashed: false,
            critical: false,
        };
        picture.arrows.extend((5..3000).step_by(5).map(far));
        let (text, tidy) = svg(&picture);
        assert!(!tidy);
        let of_legend = 2;
        assert_eq!(text.matches("marker-end").count(), picture.arrows.len() + of_legend);
    }
}

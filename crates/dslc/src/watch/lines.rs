//! Live lines at the bottom of a terminal: frames of a view, drawn anew several times a second.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::strip_ansi_codes;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::frame::frame;
use super::view::View;

const REDRAW: Duration = Duration::from_millis(120);

pub struct Lines {
    bar: ProgressBar,
}

impl Lines {
    /// One bar whose lines are made anew at each drawing, so that no attempt needs a thread of its own. `size` is that
    /// of the terminal.
    pub fn new(
        target: &MultiProgress,
        view: Arc<Mutex<View>>,
        colored: bool,
        size: impl Fn() -> (u16, u16) + Send + Sync + Clone + 'static,
    ) -> Self {
        let draw = move |_: &ProgressState, out: &mut dyn Write| {
            let view = view.lock().unwrap_or_else(PoisonError::into_inner);
            let lines = frame(&view, Instant::now(), size()).join("\n");
            let _ = if colored {
                out.write_str(&lines)
            } else {
                out.write_str(&strip_ansi_codes(&lines))
            };
        };
        let style = ProgressStyle::with_template("{frame}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new_spinner().with_style(style.with_key("frame", draw));
        Self { bar: target.add(bar) }
    }

    /// Draws by itself from now on.
    pub fn animate(&self) {
        self.bar.enable_steady_tick(REDRAW);
    }

    /// Takes the lines away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    #[cfg(test)]
    pub fn draw(&self) {
        self.bar.tick();
    }
}

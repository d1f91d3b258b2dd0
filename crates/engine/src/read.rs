//! Events as journals have them, read back: quickly the ends of attempts, which nearly all of them are.
//!
//! Promise: what comes out is what serde reads without any of this.

use serde::Deserialize;

use crate::event::{AttemptId, Ended, Event, EventKind};

/// An event whose kind is known beforehand need not be kept aside until its name has been seen.
#[derive(Deserialize)]
struct AttemptEnded {
    time_ms: i64,
    #[serde(rename = "event")]
    _is: Is,
    attempt: AttemptId,
    ended: Ended,
}

#[derive(Deserialize)]
enum Is {
    #[serde(rename = "attempt-ended")]
    AttemptEnded,
}

impl Event {
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        match serde_json::from_str(text) {
            Ok(AttemptEnded {
                time_ms,
                attempt,
                ended,
                ..
            }) => Ok(Self {
                time_ms,
                kind: EventKind::AttemptEnded { attempt, ended },
            }),
            Err(_) => serde_json::from_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::How;

    #[test]
    fn events_are_read_as_they_were_written() {
        let attempt = AttemptId {
            node: 7,
            instance: Some(1),
            attempt: 2,
            start: 1,
            undo: false,
        };
        let ended = Ended {
            how: How::CallFailed {
                mode: "denied".into(),
                message: "\"no\"".to_owned(),
            },
            ..Ended::nothing(3)
        };
        for kind in [
            EventKind::AttemptEnded { attempt, ended },
            EventKind::AttemptLost { attempt },
            EventKind::PAUSE,
            EventKind::HOLD,
        ] {
            let event = Event { time_ms: -5, kind };
            let text = serde_json::to_string(&event).expect("JSON");
            assert_eq!(Event::from_json(&text).expect("an event"), event);
        }
        // as it was written before somebody asked whether anybody drives
        let pause = Event::from_json(r#"{"time_ms":1,"event":"pause-asked"}"#).expect("an event");
        assert_eq!(pause.kind, EventKind::PAUSE);
        let unknown = r#"{"time_ms":1,"event":"attempt-ended-twice"}"#;
        let error = Event::from_json(unknown).expect_err("no event");
        assert!(
            error.to_string().contains("unknown variant `attempt-ended-twice`"),
            "{error}"
        );
    }
}

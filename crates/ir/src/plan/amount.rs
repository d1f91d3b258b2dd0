//! Amounts of money, ratios, and the bounds that are made of them. Exact: there are no floats here.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::is_run;
use crate::quantity::{parse_money, render_money};
use crate::rare::Absent;

/// Dollars; written as text with at least two digits after the point, so that equal amounts have equal text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Money(pub Decimal);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&render_money(self.0))
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parse_money(&text).map(Self).map_err(de::Error::custom)
    }
}

/// A number that is exactly what the plan says: 20% is `0.2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ratio(pub Decimal);

impl Ratio {
    /// The shortest decimal number that reads as this float; `None` if it is too large or too small to be one.
    pub fn of_float(float: f64) -> Option<Self> {
        let text = format!("{float:e}");
        let exact = Decimal::from_scientific(&text).ok()?;
        Some(Self(exact.normalize()))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.normalize().to_string())
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let number = Decimal::from_str_exact(&text).map_err(de::Error::custom)?;
        Ok(Self(number.normalize()))
    }
}

/// The most that a run, or a task, may use. What is absent is not limited.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Budget {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// The share of it at which an alert is raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Ratio>,
}

impl Budget {
    pub const UNLIMITED: Self = Self {
        time_ms: None,
        cost: None,
        tokens: None,
        alert: None,
    };

    pub fn is_unlimited(&self) -> bool {
        *self == Self::UNLIMITED
    }
}

impl Absent for Budget {
    const ABSENT: &'static Self = &Self::UNLIMITED;
}

/// How much at once and how much in a time; what is absent is not limited.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    /// At once: `parallel` of a plan, `concurrent` of an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// How many nodes may be ready and wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Rate<u64>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Rate<u64>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cost: Vec<Rate<Money>>,
}

impl Limits {
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// `100 per 1m`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rate<T> {
    pub amount: T,
    #[serde(default, skip_serializing_if = "is_run")]
    pub per: Per,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// In all.
    #[default]
    Run,
    Call,
    /// In any stretch of so many milliseconds.
    WindowMs(u64),
}

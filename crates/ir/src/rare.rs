//! What few nodes have.
//!
//! There are nodes by the hundred thousand, and whoever runs them looks at all of each: what is absent takes a pointer,
//! and what is there lies elsewhere. Promise: it reads, compares and serialises as its value does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is mostly absent.
#[derive(Clone)]
pub struct Rare<T>(Option<Box<T>>);

/// What there is where nothing is said.
pub trait Absent: Default + PartialEq + 'static {
    const ABSENT: &'static Self;
}

impl<T: PartialEq + 'static> Absent for Vec<T> {
    const ABSENT: &'static Self = &Self::new();
}

impl<T: PartialEq + 'static> Absent for Option<T> {
    const ABSENT: &'static Self = &None;
}

impl<K: PartialEq + 'static, V: PartialEq + 'static> Absent for BTreeMap<K, V> {
    const ABSENT: &'static Self = &Self::new();
}

impl<T: PartialEq + 'static> Absent for BTreeSet<T> {
    const ABSENT: &'static Self = &Self::new();
}

impl<T> Rare<T> {
    pub const fn absent() -> Self {
        Self(None)
    }
}

impl<T: Absent> Rare<T> {
    pub fn is_absent(&self) -> bool {
        **self == *T::ABSENT
    }

    pub fn clear(&mut self) {
        self.0 = None;
    }
}

impl<T> Rare<Vec<T>> {
    /// Makes no place for what is absent.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|items| items.iter_mut())
    }
}

impl<T> Rare<Option<T>> {
    /// Makes no place for what is absent.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|value| value.iter_mut())
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self::absent()
    }
}

impl<T: Absent> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::ABSENT)
    }
}

impl<T: Absent> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Absent> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        Self((value != *T::ABSENT).then(|| Box::new(value)))
    }
}

impl<A, T: Absent + FromIterator<A>> FromIterator<A> for Rare<T> {
    fn from_iter<I: IntoIterator<Item = A>>(items: I) -> Self {
        items.into_iter().collect::<T>().into()
    }
}

impl<A, T: Absent + Extend<A>> Extend<A> for Rare<T> {
    fn extend<I: IntoIterator<Item = A>>(&mut self, items: I) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_some() {
            (**self).extend(items);
        }
    }
}

impl<'a, T: Absent> IntoIterator for &'a Rare<T>
where
    &'a T: IntoIterator,
{
    type Item = <&'a T as IntoIterator>::Item;
    type IntoIter = <&'a T as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (**self).into_iter()
    }
}

impl<T: Absent> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Absent + fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Absent + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

impl<'de, T: Absent + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_compares_and_serialises_as_its_value_does() {
        let mut names: Rare<Vec<u32>> = Rare::absent();
        assert!(names.is_absent() && names.is_empty());
        names.extend(Vec::<u32>::new());
        assert_eq!(names.iter_mut().count(), 0);
        assert!(names.0.is_none(), "nothing was said, so nothing takes place");
        names.push(7);
        assert_eq!(serde_json::to_string(&names).ok().as_deref(), Some("[7]"));
        assert_eq!(serde_json::from_str::<Rare<Vec<u32>>>("[7]").ok(), Some(names.clone()));
        names.pop();
        assert_eq!(names, Rare::absent(), "whatever it had before");
        assert_eq!(Rare::from(None::<u32>), Rare::absent());
    }
}

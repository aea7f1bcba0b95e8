//! Objects whose keys are names, in the order of their values.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Names with something of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByName<T>(Vec<(String, T)>);

impl<T> FromIterator<(String, T)> for ByName<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for ByName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

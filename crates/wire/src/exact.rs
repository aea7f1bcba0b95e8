//! Numbers in JSON as they are, and not as the nearest float.

use cco_model::money::NanoUsd;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Dollars as an exact decimal number; a float could not hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usd(pub NanoUsd);

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        exact_number(self.0.decimal(), serializer)
    }
}

/// A number of thousandths as an exact decimal number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milli(pub u64);

impl Serialize for Milli {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, thousandths) = (self.0 / 1000, self.0 % 1000);
        let decimal = format!("{whole}.{thousandths:03}");
        let decimal = decimal.trim_end_matches('0').trim_end_matches('.');
        exact_number(decimal.to_owned(), serializer)
    }
}

fn exact_number<S: Serializer>(decimal: String, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(decimal).map_err(serde::ser::Error::custom)?.serialize(serializer)
}

//! The JSON forms of the contract, as serde functions that the generated types name.
//!
//! Each [`Form`] turns one wire value into what JSON shows and back; `single`, `optional` and `repeated` lift it to the
//! three shapes a field can have.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{DeviceAddress, RecordId};

/// One wire value in its written form.
pub trait Form {
    /// The type of the field in the generated code.
    type Wire;
    /// Writes the value.
    fn write<S: Serializer>(value: &Self::Wire, serializer: S) -> Result<S::Ok, S::Error>;
    /// Reads the value.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Wire, D::Error>;
}

/// `"110B90"`.
pub struct Address;
/// `"17-123456"`.
pub struct Id;
/// An unsigned 64-bit integer as a decimal string, since JSON numbers of browsers end at 2^53. Numbers are read too.
pub struct Integer64;
/// A signed 64-bit integer as a decimal string. Numbers are read too.
pub struct Signed64;
/// Bytes as lower-case hex.
pub struct Hex;
/// An enum by its lower-case name; a value without a name as its number.
pub struct Named<E>(PhantomData<E>);

impl Form for Address {
    type Wire = u32;
    fn write<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&DeviceAddress(*value))
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        parse_text::<DeviceAddress, D>(deserializer).map(|address| address.0)
    }
}

impl Form for Id {
    type Wire = u64;
    fn write<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&RecordId(*value))
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        parse_text::<RecordId, D>(deserializer).map(|id| id.0)
    }
}

impl Form for Integer64 {
    type Wire = u64;
    fn write<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        read_number(deserializer)
    }
}

impl Form for Signed64 {
    type Wire = i64;
    fn write<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        read_number(deserializer)
    }
}

impl Form for Hex {
    type Wire = Bytes;
    fn write<S: Serializer>(value: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(value))
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Bytes::from).map_err(D::Error::custom)
    }
}

impl<E: Serialize + DeserializeOwned + TryFrom<i32> + Into<i32>> Form for Named<E> {
    type Wire = i32;
    fn write<S: Serializer>(value: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        match E::try_from(*value) {
            Ok(named) => named.serialize(serializer),
            Err(_) => serializer.serialize_i32(*value),
        }
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        match NumberOr::<E>::deserialize(deserializer)? {
            NumberOr::Number(value) => Ok(value),
            NumberOr::Other(named) => Ok(named.into()),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOr<T> {
    Number(i32),
    Other(T),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOr<T> {
    Number(T),
    Text(String),
}

fn parse_text<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

fn read_number<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display> + Deserialize<'de>,
    D: Deserializer<'de>,
{
    match TextOr::<T>::deserialize(deserializer)? {
        TextOr::Number(value) => Ok(value),
        TextOr::Text(text) => text.parse().map_err(D::Error::custom),
    }
}

/// One form, as an element that serde can carry in sequences and options.
struct Element<F: Form>(F::Wire);
struct ElementRef<'a, F: Form>(&'a F::Wire);

impl<F: Form> Serialize for ElementRef<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        F::write(self.0, serializer)
    }
}

impl<'de, F: Form> Deserialize<'de> for Element<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        F::read(deserializer).map(Self)
    }
}

/// A field that is always there.
pub mod single {
    use super::{Deserializer, Form, Serializer};

    /// Writes the field.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<F: Form, S: Serializer>(value: &F::Wire, serializer: S) -> Result<S::Ok, S::Error> {
        F::write(value, serializer)
    }

    /// Reads the field.
    ///
    /// # Errors
    /// The text is not in the field's form.
    pub fn deserialize<'de, F: Form, D: Deserializer<'de>>(deserializer: D) -> Result<F::Wire, D::Error> {
        F::read(deserializer)
    }
}

/// A field that can be absent.
pub mod optional {
    use super::{Deserialize, Deserializer, Element, ElementRef, Form, Serialize, Serializer};

    /// Writes the field.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<F: Form, S: Serializer>(value: &Option<F::Wire>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ElementRef::<F>).serialize(serializer)
    }

    /// Reads the field.
    ///
    /// # Errors
    /// The text is not in the field's form.
    pub fn deserialize<'de, F: Form, D: Deserializer<'de>>(deserializer: D) -> Result<Option<F::Wire>, D::Error> {
        Ok(Option::<Element<F>>::deserialize(deserializer)?.map(|element| element.0))
    }
}

/// A list.
pub mod repeated {
    use super::{Deserialize, Deserializer, Element, ElementRef, Form, Serializer};

    /// Writes the field.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<F: Form, S: Serializer>(values: &[F::Wire], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ElementRef::<F>))
    }

    /// Reads the field.
    ///
    /// # Errors
    /// An element is not in the field's form.
    pub fn deserialize<'de, F: Form, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<F::Wire>, D::Error> {
        Ok(Vec::<Element<F>>::deserialize(deserializer)?.into_iter().map(|element| element.0).collect())
    }
}

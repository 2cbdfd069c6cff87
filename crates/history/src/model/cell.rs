//! A column's value in SQLite, where integers have 64 bits and a sign.

use rusqlite::types::{Value, ValueRef};

/// A value of a column in SQLite.
pub trait Cell: Sized {
    /// Converts to SQLite's value.
    fn store(&self) -> Value;
    /// Converts from SQLite's value; `None`: it has another type.
    fn load(value: ValueRef<'_>) -> Option<Self>;
}

macro_rules! integers {
    ($($kind:ty),*) => {$(
        impl Cell for $kind {
            fn store(&self) -> Value {
                Value::Integer(i64::from(*self))
            }
            fn load(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    ValueRef::Integer(number) => Self::try_from(number).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integers!(u8, u16, u32, i8, i16, i32, i64);

/// With the same bits: ids are below 2^63, so that their order is kept.
impl Cell for u64 {
    fn store(&self) -> Value {
        Value::Integer(self.cast_signed())
    }
    fn load(value: ValueRef<'_>) -> Option<Self> {
        i64::load(value).map(i64::cast_unsigned)
    }
}

impl Cell for bool {
    fn store(&self) -> Value {
        Value::Integer(i64::from(*self))
    }
    fn load(value: ValueRef<'_>) -> Option<Self> {
        i64::load(value).map(|number| number != 0)
    }
}

impl Cell for f32 {
    fn store(&self) -> Value {
        Value::Real(f64::from(*self))
    }
    fn load(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Real(number) => Some(number as f32),
            ValueRef::Integer(number) => Some(number as f32),
            _ => None,
        }
    }
}

impl Cell for String {
    fn store(&self) -> Value {
        Value::Text(self.clone())
    }
    fn load(value: ValueRef<'_>) -> Option<Self> {
        value.as_str().ok().map(str::to_owned)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn store(&self) -> Value {
        self.as_ref().map_or(Value::Null, Cell::store)
    }
    fn load(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            other => T::load(other).map(Some),
        }
    }
}

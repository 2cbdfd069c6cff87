//! A column's value in SQLite, where numbers are 64 bit and signed.

use rusqlite::types::{Value, ValueRef};

/// A value that a column of the embedded store can hold.
pub trait Cell: Sized {
    /// As SQLite stores it.
    fn store(&self) -> Value;
    /// As it was stored; `None` where the stored value is none of this type.
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

/// Bit by bit: ids stay below 2^63 and so keep their order.
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

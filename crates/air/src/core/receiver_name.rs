//! Receivers' names, kept once: every device that a receiver hears refers to its name.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashSet;

/// A receiver's name, shared by all devices that it hears: one pointer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiverName(Arc<Box<str>>);

impl ReceiverName {
    /// A name that is not shared yet.
    pub fn new(name: &str) -> Self {
        Self(Arc::new(name.into()))
    }
}

impl std::ops::Deref for ReceiverName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ReceiverName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReceiverName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for ReceiverName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, formatter)
    }
}

/// Names while checkpoints are read, so that each is kept once.
#[derive(Debug, Default)]
pub struct ReceiverNames(FxHashSet<ReceiverName>);

impl ReceiverNames {
    /// The name as all devices have it.
    pub fn shared(&mut self, name: &str) -> ReceiverName {
        match self.0.get(name) {
            Some(known) => known.clone(),
            None => {
                let known = ReceiverName::new(name);
                self.0.insert(known.clone());
                known
            }
        }
    }
}

impl FromIterator<ReceiverName> for ReceiverNames {
    fn from_iter<I: IntoIterator<Item = ReceiverName>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

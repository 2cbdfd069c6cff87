//! Zones: areas with an altitude band, and who is inside of them.
//!
//! [`openair`] and [`geojson`] read what operators import, within the [`limits`]; [`ZoneSets`] puts the parts of the records
//! together, [`Index`] finds the zones at a position, and [`Zone::judge`] decides whether an aircraft is inside. Pure: the same
//! records give the same answers on every machine, since outlines are compared in whole millionths of a degree.

pub mod geojson;
mod import;
mod index;
mod limit;
pub mod limits;
pub mod openair;
mod ring;
mod sets;
#[cfg(test)]
mod testing;
mod zone;

pub use import::{Import, ImportError, text_of};
pub use index::Index;
pub use limit::{InvalidLimit, limit_text, parse_limit};
pub use sets::{Change, ZoneSets, is_set_name, split};
pub use zone::{Fix, Judgement, Zone, key_of};

//! Stories and properties of the whole core.

mod kit;
mod properties;
mod rules;
mod stories;

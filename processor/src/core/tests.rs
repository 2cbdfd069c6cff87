//! Stories and properties of the whole core.

mod kit;
mod rules;

//! The program `updraft` (all programs in one process): by its API, and by its map page in a browser.

mod commands;
mod demo;
mod map;
mod operator;
mod program;
mod restart;
mod zones;

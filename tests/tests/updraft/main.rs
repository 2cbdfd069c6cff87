//! `updraft`: everything in one process, alone and with its map in a browser.

mod demo;
mod program;
mod restart;
mod zones;

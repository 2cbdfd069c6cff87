//! All of Updraft in one process, with embedded services.

//! The most that there may be of everything: a request and a record are bounded, and so is the memory of each core.

/// Bytes of an import.
pub const IMPORT_BYTES: usize = 8 << 20;
/// Sets of zones.
pub const SETS: usize = 32;
/// Zones of all sets together.
pub const ZONES: usize = 10_000;
/// Vertices of all sets together; arcs and circles count as the lines that they become.
pub const VERTICES: usize = 200_000;
/// Sets of one importer, or of one company, that is no operator: so that no company takes the room of all.
pub const OWN_SETS: usize = 4;
/// Zones of those sets together.
pub const OWN_ZONES: usize = 500;
/// Vertices of those sets together.
pub const OWN_VERTICES: usize = 20_000;
/// Vertices of one ring.
pub const RING_VERTICES: usize = 10_000;
/// Polygons of one zone.
pub const POLYGONS: usize = 100;
/// Characters of a name; longer names are cut.
pub const NAME_CHARS: usize = 80;
/// Characters of a class; longer ones are cut.
pub const CLASS_CHARS: usize = 16;
/// Characters of the name of a set, and of the id of a zone.
pub const ID_CHARS: usize = 48;
/// Bytes of a part, of which records are made.
pub const PART_BYTES: usize = 200_000;
/// Parts of a set.
pub const PARTS: u32 = 256;
/// Versions of a set that are kept: the newest complete one, and those whose parts are still arriving.
pub const VERSIONS: usize = 4;
/// Sets that a core remembers, removed ones included.
pub const REMEMBERED_SETS: usize = 128;

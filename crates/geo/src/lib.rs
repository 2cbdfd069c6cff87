//! Positions, distances, geohash cells and cell covers.

//! The FANET radio protocol: bytes to packets and back.

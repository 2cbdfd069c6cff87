//! When a state's frame passed the programs, this one included.

use schemas::headers;

/// Times in microseconds since the epoch; absent where the record does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Way {
    before: headers::Way,
    pusher_us: Option<u64>,
}

impl Way {
    /// The `way` header of a record that was read here at that time.
    pub(crate) fn read(header: &[u8], at_us: u64) -> Self {
        Self { before: headers::Way::parse(header), pusher_us: Some(at_us) }
    }

    /// This one, or where it says nothing the other.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }

    /// The times that are known, by the program's name.
    pub(crate) fn times(self) -> impl Iterator<Item = (&'static str, u64)> {
        let known = [
            ("receiver", self.before.receiver_us),
            ("bridge", self.before.bridge_us),
            ("processor", self.before.processor_us),
            ("pusher", self.pusher_us),
        ];
        known.into_iter().filter_map(|(program, time_us)| time_us.map(|time_us| (program, time_us)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_come_in_the_order_of_the_way() {
        let way = Way::read(b"b=6000000,p=6000400", 7_000_000);
        let known = [("bridge", 6_000_000), ("processor", 6_000_400), ("pusher", 7_000_000)];
        assert_eq!(way.times().collect::<Vec<_>>(), known);
        assert_eq!(Way::default().or(way), way);
        assert_eq!(way.or(Way::default()), way);
    }
}

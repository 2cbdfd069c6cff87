//! When a frame, or the state made from it, passed each program, this one included.

use schemas::headers;

/// Times in microseconds since the epoch; absent where the record does not have them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct HopTimes {
    before: headers::Way,
    pusher_us: Option<u64>,
}

impl HopTimes {
    /// Parses the `way` header of a record that was read here at that time.
    pub(crate) fn parse(header: &[u8], at_us: u64) -> Self {
        Self { before: headers::Way::parse(header), pusher_us: Some(at_us) }
    }

    /// These times, or the others where these are empty.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }

    /// The known times with the name of the program, in the order of the hops.
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
    fn known_times_come_in_the_order_of_the_hops() {
        let hop_times = HopTimes::parse(b"b=6000000,p=6000400", 7_000_000);
        let known = [("bridge", 6_000_000), ("processor", 6_000_400), ("pusher", 7_000_000)];
        assert_eq!(hop_times.times().collect::<Vec<_>>(), known);
        assert_eq!(HopTimes::default().or(hop_times), hop_times);
        assert_eq!(hop_times.or(HopTimes::default()), hop_times);
    }
}

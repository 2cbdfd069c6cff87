//! Several bridges at one broker: each takes the receivers of its share. Pure.

use std::fmt;
use std::str::FromStr;

use streams::partitioner::murmur2;

/// One share of several, such as 2 of 4. Which receiver belongs to which depends on nothing but its id and the number of
/// shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    index: u32,
    count: u32,
}

/// The maximum number of bridges: each of them receives all messages of the broker.
const MAX_COUNT: u32 = 64;

impl Shard {
    /// Everything is ours.
    pub const ALL: Self = Self { index: 1, count: 1 };

    /// Whether this receiver belongs to our shard.
    pub(crate) fn has(self, receiver: &[u8]) -> bool {
        self.count == 1 || murmur2(receiver) % self.count == self.index - 1
    }

    /// The suffix of the client id that distinguishes this bridge from the others.
    pub(crate) fn suffix(self) -> String {
        if self.count == 1 { String::new() } else { format!("-{}of{}", self.index, self.count) }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u32>().ok();
        let parts = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        match parts {
            Some((index, count)) if (1..=MAX_COUNT).contains(&count) && (1..=count).contains(&index) => {
                Ok(Self { index, count })
            }
            _ => Err(format!(
                "expected a number and a count, for example 2/4 for the second of four bridges; at most {MAX_COUNT}"
            )),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(text: &str) -> Shard {
        text.parse().expect("good")
    }

    #[test]
    fn each_receiver_is_in_one_of_equal_shards() {
        let shards: Vec<Shard> = (1..=4).map(|index| shard(&format!("{index}/4"))).collect();
        let mut shares = [0; 4];
        for receiver in 0..10_000 {
            let receiver = (8_896_672 + receiver).to_string();
            let owners: Vec<usize> = (0..4).filter(|owner| shards[*owner].has(receiver.as_bytes())).collect();
            assert_eq!(owners.len(), 1, "{receiver}: {owners:?}");
            shares[owners[0]] += 1;
        }
        assert!(shares.iter().all(|share| (2300..2700).contains(share)), "{shares:?}");
    }

    /// Another release must not deal them otherwise, or a frame in flight during the change is lost or doubled. Expected:
    /// by Kafka's murmur2, written down in Python.
    #[test]
    fn the_deal_never_changes() {
        let owner = |receiver: &str| (1..=4).find(|index| shard(&format!("{index}/4")).has(receiver.as_bytes()));
        let owners: Vec<_> = ["8896672", "8896673", "1234567890", "club"].map(owner).into();
        assert_eq!(owners, [Some(3), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn alone_it_takes_everything_under_its_plain_name() {
        assert!(Shard::ALL.has(b"8896672") && shard("1/1").has(b""));
        assert_eq!((Shard::ALL.suffix(), shard("2/4").suffix()), (String::new(), "-2of4".to_owned()));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "1", "0/4", "5/4", "1/0", "1/65", "-1/4", "a/b", "1/4/4"] {
            let error = text.parse::<Shard>().expect_err(text);
            assert!(error.contains("2/4"), "{error}");
        }
    }
}

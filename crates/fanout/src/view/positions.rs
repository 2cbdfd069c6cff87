//! How far the topics have been read, and the resume token made of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::object::Origin;

/// The next offset to read, by number of the topic partition. Which number is which is the same on every instance: the
/// topics in the order of [`super::Kind::ALL`], each with its partitions in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Positions(Vec<u64>);

impl Positions {
    /// Nothing read of `partitions` topic partitions.
    pub fn new(partitions: usize) -> Self {
        Self(vec![0; partitions])
    }

    /// How many topic partitions there are.
    pub fn partitions(&self) -> usize {
        self.0.len()
    }

    /// Takes a record as read.
    pub fn advance(&mut self, origin: Origin) {
        if let Some(next) = self.0.get_mut(usize::from(origin.partition)) {
            *next = (*next).max(origin.offset + 1);
        }
    }

    /// True where the record was read.
    pub fn has_read(&self, origin: Origin) -> bool {
        self.0.get(usize::from(origin.partition)).is_some_and(|next| origin.offset < *next)
    }

    /// True where nothing that `other` has read is missing here.
    pub fn reaches(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(own, others)| own >= others)
    }

    /// Makes the token: good for one region, on every instance that reads the same data, named by `epoch`.
    ///
    /// Layout, before base64: region mark (6 bytes, so that it is 8 letters), epoch mark (4 bytes), then varints: how many
    /// partitions, the lowest position, and for each partition 0 (nothing read) or 1 + its distance from the lowest.
    pub fn token(&self, epoch: &str, region: RegionMark) -> String {
        let lowest = self.0.iter().copied().filter(|next| *next > 0).min().unwrap_or_default();
        let mut bytes = epoch_mark(epoch).to_be_bytes().to_vec();
        prost::encoding::encode_varint(self.0.len() as u64, &mut bytes);
        prost::encoding::encode_varint(lowest, &mut bytes);
        for next in &self.0 {
            let distance = if *next == 0 { 0 } else { next - lowest + 1 };
            prost::encoding::encode_varint(distance, &mut bytes);
        }
        region.text() + &URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token that is to go on with this region.
    ///
    /// # Errors
    /// Peer: not a token, or one of another epoch or region.
    pub fn from_token(token: &str, epoch: &str, region: RegionMark, partitions: usize) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Malformed)?;
        let (given, rest) = bytes.split_first_chunk().ok_or(TokenError::Malformed)?;
        let given = RegionMark(*given);
        if given != region && given != RegionMark::EVERYTHING {
            return Err(TokenError::OtherRegion);
        }
        let (mark, mut rest) = rest.split_at_checked(4).ok_or(TokenError::Malformed)?;
        if mark != epoch_mark(epoch).to_be_bytes() {
            return Err(TokenError::OtherEpoch);
        }
        let mut varint = || prost::encoding::decode_varint(&mut rest).map_err(|_| TokenError::Malformed);
        if varint()? != partitions as u64 {
            return Err(TokenError::OtherEpoch);
        }
        let lowest = varint()?;
        let position = |distance: u64| match distance {
            0 => Ok(0),
            distance => lowest.checked_add(distance - 1).ok_or(TokenError::Malformed),
        };
        let positions = (0..partitions).map(|_| position(varint()?)).collect::<Result<Vec<_>, _>>()?;
        if rest.is_empty() { Ok(Self(positions)) } else { Err(TokenError::Malformed) }
    }
}

/// Why a resume token is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not made by a pusher.
    #[error("this is not a resume token")]
    Malformed,
    /// Made of other data, or of topics with other partitions.
    #[error("the resume token is of another epoch")]
    OtherEpoch,
    /// Given for another region, or for other kinds.
    #[error("the resume token is of another region")]
    OtherRegion,
}

/// Names the region and the kinds that a token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RegionMark([u8; 6]);

impl RegionMark {
    /// The whole world and all kinds: a token of it is good for every region.
    pub const EVERYTHING: Self = Self([0; 6]);

    /// Of numbers that stand for cells and kinds, by FNV-1a.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        let bytes = numbers.into_iter().flat_map(u32::to_be_bytes);
        let hash = bytes
            .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        let [_, _, mark @ ..] = hash.to_be_bytes();
        Self(mark)
    }

    /// Eight letters: how a token begins.
    pub(crate) fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// FNV-1a: the same on every build, unlike the hashers of maps.
fn epoch_mark(epoch: &str) -> u32 {
    epoch.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(next: &[u64]) -> Positions {
        Positions(next.to_vec())
    }

    const HERE: RegionMark = RegionMark([1, 2, 3, 4, 5, 6]);

    #[test]
    fn a_token_is_read_back_and_only_in_its_epoch() {
        let read = positions(&[0, 7, 1_780_000_000_123]);
        let token = read.token("cluster-a", HERE);
        assert_eq!(Positions::from_token(&token, "cluster-a", HERE, 3), Ok(read));
        assert_eq!(Positions::from_token(&token, "cluster-b", HERE, 3), Err(TokenError::OtherEpoch));
        assert_eq!(Positions::from_token(&token, "cluster-a", HERE, 4), Err(TokenError::OtherEpoch));
    }

    #[test]
    fn a_token_is_good_for_its_region_alone() {
        let (read, there) = (positions(&[7]), RegionMark([6, 5, 4, 3, 2, 1]));
        assert_eq!(Positions::from_token(&read.token("e", HERE), "e", there, 1), Err(TokenError::OtherRegion));
        assert_eq!(Positions::from_token(&read.token("e", RegionMark::EVERYTHING), "e", there, 1), Ok(read));
        assert_ne!(RegionMark::of([1, 2]), RegionMark::of([2, 1]));
        assert_eq!(RegionMark::of([1, 2]).text().len(), 8, "no rest that the next letters would share");
    }

    #[test]
    fn garbage_is_no_token() {
        let cut = positions(&[1 << 40]).token("e", HERE);
        for bad in ["", "AAAA", "not base64!", &cut[..cut.len() - 2]] {
            assert!(Positions::from_token(bad, "e", HERE, 1).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn positions_know_what_was_read() {
        let mut read = Positions::new(2);
        read.advance(Origin { partition: 1, offset: 4 });
        assert!(read.has_read(Origin { partition: 1, offset: 4 }));
        assert!(!read.has_read(Origin { partition: 1, offset: 5 }));
        assert!(!read.has_read(Origin { partition: 0, offset: 0 }));
        assert!(read.reaches(&positions(&[0, 5])) && !read.reaches(&positions(&[1, 5])));
        assert!(!read.reaches(&positions(&[0])));
    }
}

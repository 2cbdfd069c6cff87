//! The offsets up to which the topics have been read, and the resume token with these offsets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::object::Origin;

/// The next offset to read of each topic partition, by number. Every instance numbers them in the same way: the topics
/// in the order of [`super::Kind::ALL`], each with its partitions in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Offsets(Vec<u64>);

impl Offsets {
    /// The offsets of `partitions` topic partitions, none of them read.
    pub fn new(partitions: usize) -> Self {
        Self(vec![0; partitions])
    }

    /// The number of topic partitions.
    pub fn partitions(&self) -> usize {
        self.0.len()
    }

    /// Marks a record as read.
    pub fn advance(&mut self, origin: Origin) {
        if let Some(next) = self.0.get_mut(usize::from(origin.partition)) {
            *next = (*next).max(origin.offset + 1);
        }
    }

    /// Whether the record was read.
    pub fn has_read(&self, origin: Origin) -> bool {
        self.0.get(usize::from(origin.partition)).is_some_and(|next| origin.offset < *next)
    }

    /// Whether all records of `other` were read here.
    pub fn reaches(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(own, others)| own >= others)
    }

    /// Creates a token, valid for one region and on every instance that reads the log of this `epoch`.
    ///
    /// Layout, before base64: region mark (6 bytes, which are 8 characters), epoch mark (4 bytes), then varints: the
    /// number of partitions, the lowest offset, and for each partition 0 (nothing read) or 1 + its distance from the
    /// lowest.
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

    /// Parses a token for this region.
    ///
    /// # Errors
    /// The token is malformed, or of another epoch or region.
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
        let offsets = (0..partitions).map(|_| position(varint()?)).collect::<Result<Vec<_>, _>>()?;
        if rest.is_empty() { Ok(Self(offsets)) } else { Err(TokenError::Malformed) }
    }
}

/// Why a resume token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not a token of a pusher.
    #[error("malformed resume token: connect without `resume`")]
    Malformed,
    /// Issued for other data, or for topics with another number of partitions.
    #[error("the resume token is of another epoch: connect without `resume`")]
    OtherEpoch,
    /// Issued for another region, or for other kinds.
    #[error("the resume token is of another region or other kinds: connect without `resume`")]
    OtherRegion,
}

/// A hash of the region and the kinds for which a token is valid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RegionMark([u8; 6]);

impl RegionMark {
    /// All regions and all kinds: a token with it is valid for every region.
    pub const EVERYTHING: Self = Self([0; 6]);

    /// The FNV-1a hash of the numbers of cells and kinds.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        let bytes = numbers.into_iter().flat_map(u32::to_be_bytes);
        let hash = bytes
            .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        let [_, _, mark @ ..] = hash.to_be_bytes();
        Self(mark)
    }

    /// The first eight characters of a token.
    pub(crate) fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// FNV-1a: the same in every build, unlike the hashers of maps.
fn epoch_mark(epoch: &str) -> u32 {
    epoch.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(next: &[u64]) -> Offsets {
        Offsets(next.to_vec())
    }

    const HERE: RegionMark = RegionMark([1, 2, 3, 4, 5, 6]);

    #[test]
    fn a_token_is_valid_only_in_its_epoch() {
        let read = offsets(&[0, 7, 1_780_000_000_123]);
        let token = read.token("cluster-a", HERE);
        assert_eq!(Offsets::from_token(&token, "cluster-a", HERE, 3), Ok(read));
        assert_eq!(Offsets::from_token(&token, "cluster-b", HERE, 3), Err(TokenError::OtherEpoch));
        assert_eq!(Offsets::from_token(&token, "cluster-a", HERE, 4), Err(TokenError::OtherEpoch));
    }

    #[test]
    fn a_token_is_valid_only_for_its_region() {
        let (read, there) = (offsets(&[7]), RegionMark([6, 5, 4, 3, 2, 1]));
        assert_eq!(Offsets::from_token(&read.token("e", HERE), "e", there, 1), Err(TokenError::OtherRegion));
        assert_eq!(Offsets::from_token(&read.token("e", RegionMark::EVERYTHING), "e", there, 1), Ok(read));
        assert_ne!(RegionMark::of([1, 2]), RegionMark::of([2, 1]));
        assert_eq!(RegionMark::of([1, 2]).text().len(), 8, "no bits shared with the next characters");
    }

    #[test]
    fn malformed_tokens_are_refused() {
        let cut = offsets(&[1 << 40]).token("e", HERE);
        for bad in ["", "AAAA", "not base64!", &cut[..cut.len() - 2]] {
            assert!(Offsets::from_token(bad, "e", HERE, 1).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn offsets_separate_read_from_unread_records() {
        let mut read = Offsets::new(2);
        read.advance(Origin { partition: 1, offset: 4 });
        assert!(read.has_read(Origin { partition: 1, offset: 4 }));
        assert!(!read.has_read(Origin { partition: 1, offset: 5 }));
        assert!(!read.has_read(Origin { partition: 0, offset: 0 }));
        assert!(read.reaches(&offsets(&[0, 5])) && !read.reaches(&offsets(&[1, 5])));
        assert!(!read.reaches(&offsets(&[0])));
    }
}

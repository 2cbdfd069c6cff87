//! Rounding and wrapping that `core` lacks, without `std` and without surprises.

/// The largest number below one half.
const ALMOST_HALF: f64 = 0.499_999_999_999_999_94;

/// Rounds to the nearest integer, halves away from zero; saturates at the limits of `i32`.
///
/// Adding a half would round 0.49999999999999994 up, since the sum is rounded too; adding the
/// number just below it rounds that one down, and the halves still up.
#[inline]
pub(crate) fn round(value: f64) -> i32 {
    (value + ALMOST_HALF.copysign(value)) as i32
}

/// Brings an angle into ±180 degrees; both ends stay as they are.
#[inline]
pub(crate) fn wrap_longitude(degrees: f64) -> f64 {
    if (-180.0..=180.0).contains(&degrees) {
        return degrees;
    }
    let turned = degrees % 360.0;
    if turned > 180.0 {
        turned - 360.0
    } else if turned < -180.0 {
        turned + 360.0
    } else {
        turned
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn halves_round_away_from_zero() {
        let table = [(0.5, 1), (-0.5, -1), (1.5, 2), (2.5, 3), (-2.5, -3), (0.49999999999999994, 0), (0.0, 0)];
        for (value, rounded) in table {
            assert_eq!(round(value), rounded, "{value}");
        }
    }

    #[test]
    fn rounding_agrees_with_the_standard_library() {
        for half in -40_000_i32..40_000 {
            let half = f64::from(half) / 2.0;
            for value in [half, half.next_up(), half.next_down(), half + 0.1] {
                assert_eq!(f64::from(round(value)), value.round(), "{value:e}");
            }
        }
    }

    #[test]
    fn rounding_saturates() {
        assert_eq!(round(1e300), i32::MAX);
        assert_eq!(round(-1e300), i32::MIN);
        assert_eq!(round(f64::INFINITY), i32::MAX);
    }

    #[test]
    fn longitudes_wrap_into_half_turns() {
        for (from, to) in
            [(180.0, 180.0), (-180.0, -180.0), (190.0, -170.0), (-190.0, 170.0), (720.5, 0.5), (540.0, 180.0)]
        {
            assert_eq!(wrap_longitude(from), to, "{from}");
        }
    }
}

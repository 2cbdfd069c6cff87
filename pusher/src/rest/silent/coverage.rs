//! Where receivers hear aircraft.

use fanout::view::{Kind, State, View};
use geo::Position;
use geo::distance::{bearing_deg, distance_m};
use schemas::v1::ReceiverState;

/// Degrees of one sector of a receiver's coverage.
const SECTOR_DEG: usize = 10;
const SECTORS: usize = 360 / SECTOR_DEG;

/// What the receivers of the air picture hear.
#[derive(Debug, Default)]
pub(super) struct Coverage(Vec<Receiver>);

#[derive(Debug)]
struct Receiver {
    position: Position,
    /// The farthest frame of each sector, metres; 0: none.
    reach_m: [f64; SECTORS],
    farthest_m: f64,
    last_seen_at_us: u64,
}

impl Coverage {
    pub(super) fn of(view: &View) -> Self {
        let states = view.objects(Kind::Receiver).filter_map(|object| match &object.state {
            State::Receiver(state) => Some(state),
            _ => None,
        });
        Self(states.filter_map(Receiver::of).collect())
    }

    /// Whether a receiver that was heard of after a time has heard an aircraft at least as far away in this direction.
    pub(super) fn has(&self, latitude_deg: f64, longitude_deg: f64, after_us: u64) -> bool {
        let place = Position::new(latitude_deg, longitude_deg);
        self.0.iter().any(|receiver| receiver.last_seen_at_us > after_us && receiver.hears(place))
    }
}

impl Receiver {
    /// `None`: where it is, or what it hears, is not known.
    fn of(state: &ReceiverState) -> Option<Self> {
        let position = state.position?;
        let mut reach_m = [0.0_f64; SECTORS];
        for sector in &state.coverage {
            let reach_m = &mut reach_m[sector.bearing_deg as usize / SECTOR_DEG % SECTORS];
            *reach_m = reach_m.max(sector.distance_m);
        }
        let farthest_m = reach_m.iter().copied().fold(0.0, f64::max);
        (farthest_m > 0.0).then_some(Self {
            position: Position::new(position.latitude_deg, position.longitude_deg),
            reach_m,
            farthest_m,
            last_seen_at_us: state.last_seen_at_us,
        })
    }

    fn hears(&self, place: Position) -> bool {
        let away_m = distance_m(self.position, place);
        if away_m > self.farthest_m {
            return false;
        }
        let sector = bearing_deg(self.position, place) as usize / SECTOR_DEG % SECTORS;
        away_m <= self.reach_m[sector]
    }
}

#[cfg(test)]
mod tests {
    use schemas::v1;

    use super::*;

    /// Hears 20 km to the east and 5 km to the north.
    fn coverage() -> Coverage {
        let sector = |bearing_deg, distance_m| v1::CoverageSector { bearing_deg, distance_m };
        let state = ReceiverState {
            position: Some(v1::Position { latitude_deg: 46.0, longitude_deg: 8.0, altitude_m: None }),
            coverage: vec![sector(90, 20_000.0), sector(0, 5_000.0)],
            last_seen_at_us: 100,
            ..Default::default()
        };
        Coverage([state].iter().filter_map(Receiver::of).collect())
    }

    #[test]
    fn a_place_is_covered_by_distance_and_direction() {
        let coverage = coverage();
        // One degree of latitude is 111.2 km, of longitude here 77.2 km.
        assert!(coverage.has(45.99, 8.2, 50), "15 km east");
        assert!(!coverage.has(45.99, 8.4, 50), "31 km east");
        assert!(coverage.has(46.04, 8.001, 50), "4 km north");
        assert!(!coverage.has(46.09, 8.001, 50), "10 km north");
        assert!(!coverage.has(45.9, 8.0, 50), "nothing was heard from the south");
        assert!(!coverage.has(45.99, 8.2, 100), "it was not heard of since");
    }

    #[test]
    fn a_receiver_without_a_place_or_coverage_covers_nothing() {
        let nowhere = ReceiverState {
            coverage: vec![v1::CoverageSector { bearing_deg: 0, distance_m: 9.0 }],
            ..Default::default()
        };
        let deaf = ReceiverState { position: Some(v1::Position::default()), ..Default::default() };
        assert!(Receiver::of(&nowhere).is_none() && Receiver::of(&deaf).is_none());
    }
}

//! Where receivers hear aircraft.

use fanout::view::{Kind, State, View};
use geo::Position;
use geo::distance::{bearing_deg, distance_m};
use schemas::v1::ReceiverState;

/// Degrees of one sector of a receiver's coverage.
const SECTOR_DEG: usize = 10;
const SECTORS: usize = 360 / SECTOR_DEG;
/// Maximum number of receivers that are named for a position.
const MAX_NAMED: usize = 8;

/// What the receivers of the air picture hear.
#[derive(Debug, Default)]
pub(super) struct Coverage(Vec<Receiver>);

#[derive(Debug)]
struct Receiver {
    id: String,
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

    /// The ids of the receivers that were heard of after a time and have heard an aircraft at least as far away in this
    /// direction: nearest first, at most eight.
    pub(super) fn at(&self, latitude_deg: f64, longitude_deg: f64, after_us: u64) -> Vec<String> {
        let position = Position::new(latitude_deg, longitude_deg);
        let heard_of = self.0.iter().filter(|receiver| receiver.last_seen_at_us > after_us);
        let mut covering: Vec<_> =
            heard_of.filter_map(|receiver| Some((receiver.distance_if_heard_m(position)?, &receiver.id))).collect();
        covering.sort_by(|(a_m, a), (b_m, b)| a_m.total_cmp(b_m).then(a.cmp(b)));
        covering.into_iter().take(MAX_NAMED).map(|(_, id)| id.clone()).collect()
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
        (farthest_m > 0.0).then(|| Self {
            id: state.receiver_id.clone(),
            position: Position::new(position.latitude_deg, position.longitude_deg),
            reach_m,
            farthest_m,
            last_seen_at_us: state.last_seen_at_us,
        })
    }

    /// `None`: it has heard nothing that far away in this direction.
    fn distance_if_heard_m(&self, position: Position) -> Option<f64> {
        let away_m = distance_m(self.position, position);
        if away_m > self.farthest_m {
            return None;
        }
        let sector = bearing_deg(self.position, position) as usize / SECTOR_DEG % SECTORS;
        (away_m <= self.reach_m[sector]).then_some(away_m)
    }
}

#[cfg(test)]
mod tests {
    use schemas::v1;

    use super::*;

    /// Hears 20 km to the east and 5 km to the north.
    fn coverage() -> Coverage {
        let sector = |bearing_deg, distance_m| v1::CoverageSector { bearing_deg, distance_m };
        let receiver = |id: &str, longitude_deg| ReceiverState {
            receiver_id: id.into(),
            position: Some(v1::Position { latitude_deg: 46.0, longitude_deg, altitude_m: None }),
            coverage: vec![sector(90, 20_000.0), sector(0, 5_000.0)],
            last_seen_at_us: 100,
            ..Default::default()
        };
        Coverage([receiver("west", 8.0), receiver("middle", 8.1)].iter().filter_map(Receiver::of).collect())
    }

    #[test]
    fn a_position_is_covered_by_distance_and_direction() {
        let coverage = coverage();
        // One degree of latitude is 111.2 km, of longitude here 77.2 km.
        assert_eq!(coverage.at(45.99, 8.2, 50), ["middle", "west"], "8 and 15 km east");
        assert_eq!(coverage.at(45.99, 8.3, 50), ["middle"], "15 and 23 km east");
        assert_eq!(coverage.at(46.04, 8.001, 50), ["west"], "4 km north");
        assert!(coverage.at(46.09, 8.001, 50).is_empty(), "10 km north");
        assert!(coverage.at(45.9, 8.0, 50).is_empty(), "nothing was heard from the south");
        assert!(coverage.at(45.99, 8.2, 100).is_empty(), "they were not heard of since");
    }

    #[test]
    fn without_position_or_coverage_nothing_is_covered() {
        let nowhere = ReceiverState {
            coverage: vec![v1::CoverageSector { bearing_deg: 0, distance_m: 9.0 }],
            ..Default::default()
        };
        let deaf = ReceiverState { position: Some(v1::Position::default()), ..Default::default() };
        assert!(Receiver::of(&nowhere).is_none() && Receiver::of(&deaf).is_none());
    }
}

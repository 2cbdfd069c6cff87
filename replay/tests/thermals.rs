//! The detector and the aggregator against the simulated sky, where the truth is known.

use replay::evaluate::{Score, fly};
use replay::generate::Scenario;

/// 2026-06-01T10:00:00Z.
const START_US: u64 = 1_780_308_000_000_000;

#[test]
fn climbs_of_a_simulated_hour_are_found_in_place() {
    let mut all = Score::default();
    for seed in [11, 12] {
        let case = fly(Scenario::of(40, seed, START_US), 3_600);
        all.add(&case.score());
        let picture = case.picture();
        assert!(picture.thermals >= 15, "{} thermals", picture.thermals);
        assert!(picture.right as f64 > 0.9 * picture.thermals as f64, "{} of {}", picture.right, picture.thermals);
        assert!(picture.centre_m.within(0.9) < 150.0, "{} m", picture.centre_m.within(0.9));
        assert!(picture.wind_mps.len() >= 6, "{} winds", picture.wind_mps.len());
        assert!(picture.wind_mps.within(0.9) < 2.0, "{} m/s", picture.wind_mps.within(0.9));
        assert!(picture.wind_deg.within(0.9) < 20.0, "{} degrees", picture.wind_deg.within(0.9));
    }
    assert!(all.true_climbs > 80, "{} climbs", all.true_climbs);
    assert!(all.precision() > 0.95 && all.recall() > 0.95, "{} {}", all.precision(), all.recall());
    // Nine in ten are within the limits of all.
    assert!(all.centre_m.within(0.9) < 50.0, "{} m", all.centre_m.within(0.9));
    assert!(all.climb_mps.within(0.9) < 0.3, "{} m/s", all.climb_mps.within(0.9));
    assert!(all.wind_mps.within(0.9) < 1.0, "{} m/s", all.wind_mps.within(0.9));
    assert!(all.wind_deg.within(0.9) < 20.0, "{} degrees", all.wind_deg.within(0.9));
}

#[test]
fn the_same_sky_gives_the_same_thermals() {
    let [first, second] = [(); 2].map(|()| fly(Scenario::of(20, 3, START_US), 900).outcome);
    assert_eq!((first.reports, first.thermals, first.winds), (second.reports, second.thermals, second.winds));
}

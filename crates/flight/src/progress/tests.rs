use super::*;

/// A simulated flight: each part lasts some seconds at a speed, a climb and a course north.
struct Flight {
    at_us: u64,
    position: Position,
    altitude_m: f64,
    progress: Progress,
}

impl Flight {
    fn new() -> Self {
        Self {
            at_us: 1_000 * SECOND_US,
            position: Position::new(46.0, 13.0),
            altitude_m: 1_500.0,
            progress: Progress::default(),
        }
    }

    /// A position every five seconds.
    fn part(&mut self, seconds: u64, speed_kmh: f64, climb_mps: f64) -> &mut Self {
        for _ in 0..seconds / 5 {
            let (at_us, position, altitude_m) = (self.at_us, self.position, self.altitude_m);
            self.progress.follow(&Sample { at_us, position, altitude_m, speed_kmh, climb_mps });
            self.at_us += 5 * SECOND_US;
            self.position = geo::distance::offset(self.position, 0.0, speed_kmh / 3.6 * 5.0);
            self.altitude_m += climb_mps * 5.0;
        }
        self
    }

    fn times_s(&self) -> (Option<u64>, Option<u64>) {
        let seconds = |at_us: NonZeroU64| at_us.get() / SECOND_US - 1_000;
        (self.progress.take_off_us.map(seconds), self.progress.landed_us.map(seconds))
    }
}

#[test]
fn take_off_and_landing_have_their_times() {
    let mut flight = Flight::new();
    flight.part(60, 0.0, 0.0).part(300, 36.0, 1.5);
    assert_eq!((flight.progress.phase(), flight.times_s()), (Phase::Flying, (Some(60), None)));
    flight.part(60, 0.0, 0.0);
    assert_eq!((flight.progress.phase(), flight.times_s()), (Phase::Landed, (Some(60), Some(360))));
}

#[test]
fn soaring_at_walking_speed_is_one_flight() {
    for (speed_kmh, climb_mps) in [(2.0, 0.0), (2.0, 0.1), (0.5, 0.1), (3.5, -0.05)] {
        let mut flight = Flight::new();
        flight.part(60, 0.0, 0.0).part(600, 36.0, 0.5);
        flight.part(1_200, speed_kmh, climb_mps).part(600, 36.0, -0.8);
        assert_eq!(flight.times_s(), (Some(60), None), "{speed_kmh} km/h, {climb_mps} m/s");
        flight.part(300, 0.0, 0.0);
        assert_eq!(flight.times_s(), (Some(60), Some(2_460)), "{speed_kmh} km/h, {climb_mps} m/s");
    }
}

#[test]
fn hovering_on_one_spot_is_one_flight() {
    let mut flight = Flight::new();
    flight.part(600, 36.0, 0.5);
    let spot = flight.position;
    for _ in 0..240 {
        flight.position = spot;
        flight.part(5, 2.0, 0.0);
    }
    flight.part(60, 36.0, -1.0);
    assert_eq!((flight.progress.phase(), flight.times_s()), (Phase::Flying, (None, None)));
}

#[test]
fn who_rested_takes_off_to_another_flight() {
    let mut flight = Flight::new();
    flight.part(60, 0.0, 0.0).part(600, 36.0, 0.5).part(200, 0.5, 0.0).part(60, 36.0, 1.0);
    assert_eq!((flight.progress.phase(), flight.times_s()), (Phase::Flying, (Some(860), None)));
}

#[test]
fn a_short_stand_in_gusts_is_no_landing() {
    let mut flight = Flight::new();
    flight.part(60, 0.0, 0.0).part(600, 36.0, 0.5).part(40, 1.0, 0.0);
    assert_eq!(flight.progress.phase(), Phase::Landed);
    flight.part(60, 20.0, 1.0);
    assert_eq!((flight.progress.phase(), flight.times_s()), (Phase::Flying, (Some(60), None)));
}

#[test]
fn progress_comes_back_as_it_was() {
    let mut flight = Flight::new();
    for (seconds, speed_kmh) in [(60, 0.0), (5, 36.0), (200, 36.0), (10, 0.0), (60, 0.5), (100, 0.5), (5, 36.0)] {
        flight.part(seconds, speed_kmh, 0.0);
        let Progress { take_off_us, landed_us, .. } = flight.progress;
        let again = Progress::restore(flight.progress.phase(), take_off_us, landed_us, flight.progress.signs());
        assert_eq!(again, flight.progress);
    }
}

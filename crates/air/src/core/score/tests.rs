use super::*;

const KMH: f64 = 120.0;

fn reported(second: u64, east_m: f64) -> ReportedPosition {
    ReportedPosition {
        observation_id: 1_000 + second,
        event_at_us: second * SECOND_US,
        position: geo::distance::offset(Position::new(46.0, 13.0), 90.0, east_m),
        altitude_m: Some(1_500.0),
        max_speed_kmh: KMH,
        lifetime_us: 900 * SECOND_US,
    }
}

fn verdicts(score: &mut Score, claims: &[(u64, f64)]) -> Vec<Verdict> {
    claims.iter().map(|(second, east_m)| score.judge(&reported(*second, *east_m)).verdict).collect()
}

const SPEED: Verdict = Verdict::Implausible(Reason::Speed);

#[test]
fn the_second_of_two_that_agree_publishes() {
    let mut score = Score::default();
    let first = score.judge(&reported(1, 0.0));
    assert_eq!((first.verdict, first.confirmed, score.value()), (Verdict::Unconfirmed, None, 50));
    let second = score.judge(&reported(5, 50.0));
    let confirmed = Confirmed { observation_id: 1_001, event_at_us: SECOND_US };
    assert_eq!((second.verdict, second.confirmed), (Verdict::Plausible, Some(confirmed)));
    assert_eq!((score.value(), score.is_published(), score.plausible_frames()), (80, true, 2));
    assert_eq!(verdicts(&mut score, &[(10, 90_000.0), (15, -90_000.0)]), [SPEED, SPEED]);
    assert_eq!((score.value(), score.is_published()), (30, false));
    assert_eq!(verdicts(&mut score, &[(20, 100.0)]), [Verdict::Plausible]);
    assert_eq!((score.value(), score.is_published()), (45, false));
}

#[test]
fn of_two_that_disagree_the_third_decides() {
    use Verdict::{Plausible, Unconfirmed};
    for (second, third, confirmed) in [(90_000.0, 90_050.0, 1_006), (90_000.0, 20.0, 1_001)] {
        let mut score = Score::default();
        assert_eq!(verdicts(&mut score, &[(1, 0.0), (6, second)]), [Unconfirmed, Unconfirmed]);
        let decided = score.judge(&reported(11, third));
        assert_eq!((decided.verdict, decided.confirmed.map(|fix| fix.observation_id)), (Plausible, Some(confirmed)));
        assert_eq!((score.value(), score.is_published(), score.implausible_frames()), (80, true, 0));
    }
}

#[test]
fn noise_that_never_agrees_is_never_published() {
    let mut score = Score::default();
    for second in 0..100 {
        let east_m = if second % 2 == 0 { 1.0 } else { -1.0 } * (second + 1) as f64 * 40_000.0;
        assert_eq!(score.judge(&reported(second * 5, east_m)).verdict, Verdict::Unconfirmed);
        assert!(!score.is_published());
    }
    assert_eq!((score.value(), score.last_reason()), (0, Some(Reason::Speed)));
}

#[test]
fn speed_limits_hold_at_the_border() {
    for (east_m, verdict) in [(332.0, Verdict::Plausible), (335.0, SPEED)] {
        let mut score = Score::default();
        verdicts(&mut score, &[(0, 0.0), (5, 0.0)]);
        // 120 km/h for 10 s is 333 m.
        assert_eq!(verdicts(&mut score, &[(15, east_m)]), [verdict], "{east_m}");
    }
}

#[test]
fn too_soon_to_judge_moves_nothing() {
    let mut score = Score::default();
    verdicts(&mut score, &[(1, 0.0), (5, 0.0)]);
    let last = score.position();
    for (east_m, verdict) in [(1_500.0, Verdict::Unconfirmed), (9_000_000.0, SPEED)] {
        let close = ReportedPosition { event_at_us: 5_300_000, ..reported(5, east_m) };
        assert_eq!((score.judge(&close).verdict, score.position()), (verdict, last), "{east_m}");
    }
    let copy = ReportedPosition { event_at_us: 5_300_000, ..reported(5, 4.0) };
    assert_eq!(score.judge(&copy).verdict, Verdict::Plausible);
}

#[test]
fn a_device_that_really_moved_is_trusted_from_there() {
    let mut score = Score::default();
    verdicts(&mut score, &[(0, 0.0), (5, 20.0)]);
    assert_eq!(verdicts(&mut score, &[(10, 50_000.0)]), [SPEED]);
    let moved = score.judge(&reported(15, 50_050.0));
    assert_eq!((moved.verdict, moved.confirmed.map(|fix| fix.observation_id)), (Verdict::Plausible, Some(1_010)));
    assert_eq!(verdicts(&mut score, &[(20, 50_100.0), (25, 20.0)]), [Verdict::Plausible, Verdict::Conflict]);
}

#[test]
fn a_transport_in_silence_is_trusted_at_once() {
    let mut score = Score::default();
    let flown: Vec<_> = (0..60).map(|step| (step * 5, step as f64 * 50.0)).collect();
    verdicts(&mut score, &flown);
    // Ten minutes by aeroplane: faster than a paraglider can be.
    assert_eq!(verdicts(&mut score, &[(895, 60_000.0), (900, 60_000.0)]), [SPEED, Verdict::Plausible]);
}

#[test]
fn after_a_long_silence_a_first_position_waits_again() {
    let mut score = Score::default();
    verdicts(&mut score, &[(0, 0.0), (5, 0.0), (10, 0.0)]);
    assert_eq!(verdicts(&mut score, &[(5_000, 20_000.0)]), [Verdict::Unconfirmed]);
    assert_eq!(verdicts(&mut score, &[(5_005, 90.0), (5_010, 95.0)]), [Verdict::Unconfirmed, Verdict::Plausible]);
    assert_eq!(score.implausible_frames(), 0);
    // In the same spot nothing new is claimed.
    assert_eq!(verdicts(&mut score, &[(90_000, 95.0)]), [Verdict::Plausible]);
}

#[test]
fn another_body_does_not_hide_the_first() {
    let mut score = Score::default();
    verdicts(&mut score, &[(0, 0.0), (5, 50.0), (10, 100.0)]);
    let mut conflicts = 0;
    for step in 2..400_u64 {
        let own = score.judge(&reported(step * 5 + 5, step as f64 * 50.0));
        assert_eq!(own.verdict, Verdict::Plausible, "{step}");
        // The other one sends twice as often.
        for after in [1, 3] {
            let other = score.judge(&reported(step * 5 + 5 + after, 100_000.0 + step as f64 * 40.0));
            conflicts += u32::from(other.verdict == Verdict::Conflict);
            assert!(score.is_published(), "{step}");
        }
    }
    assert_eq!((conflicts, score.implausible_frames(), score.value()), (795, 0, 100));
    // Half an hour later the first falls silent.
    let other = |second: u64| reported(second, 116_000.0);
    assert_eq!(score.judge(&other(2_100)).verdict, Verdict::Conflict);
    assert_eq!(score.judge(&other(2_800)).verdict, Verdict::Conflict);
    assert_eq!(score.judge(&other(2_900)).verdict, Verdict::Plausible, "the live object of the first has expired");
}

#[test]
fn a_short_track_yields_to_another_within_seconds() {
    let mut score = Score::default();
    // A minute at the position of yesterday, then the truth.
    let stale: Vec<_> = (0..13).map(|step| (step * 5, 0.0)).collect();
    verdicts(&mut score, &stale);
    let true_ones: Vec<_> = (13..20).map(|step| (step * 5, 80_000.0)).collect();
    let found = verdicts(&mut score, &true_ones);
    assert_eq!(found.iter().position(|verdict| *verdict == Verdict::Plausible), Some(5), "half a minute: {found:?}");
    assert!(score.is_published());
}

#[test]
fn what_is_out_of_range_is_no_position() {
    let base = reported(1, 0.0);
    let at = |latitude_deg, longitude_deg| Position::new(latitude_deg, longitude_deg);
    for (reported, verdict) in [
        (ReportedPosition { altitude_m: Some(15_001.0), ..base }, Verdict::Implausible(Reason::Altitude)),
        (ReportedPosition { altitude_m: Some(-1_000.0), ..base }, Verdict::Unconfirmed),
        (ReportedPosition { position: at(91.0, 0.0), ..base }, Verdict::Implausible(Reason::Coordinates)),
        (ReportedPosition { position: at(f64::NAN, 0.0), ..base }, Verdict::Implausible(Reason::Coordinates)),
        (ReportedPosition { position: at(0.0, 0.0), ..base }, Verdict::Implausible(Reason::NoFix)),
        (
            ReportedPosition { position: at(0.0, 13.0), altitude_m: Some(0.0), ..base },
            Verdict::Implausible(Reason::NoFix),
        ),
        (ReportedPosition { position: at(0.0, 13.0), ..base }, Verdict::Unconfirmed),
    ] {
        assert_eq!(Score::default().judge(&reported).verdict, verdict, "{reported:?}");
    }
}

#[test]
fn a_reported_position_is_near_or_not() {
    let mut score = Score::default();
    assert_eq!(score.is_near(Position::new(46.0, 13.0)), None);
    verdicts(&mut score, &[(0, 0.0), (5, 0.0)]);
    assert_eq!(score.is_near(reported(0, 19_000.0).position), Some(true));
    assert_eq!(score.is_near(reported(0, 21_000.0).position), Some(false));
    assert_eq!(score.is_near(Position::new(f64::NAN, 0.0)), Some(false));
}

#[test]
fn the_score_is_restored_from_a_checkpoint() {
    let mut score = Score::default();
    let restored = |score: &Score| {
        let (checkpoint, last, candidates) = score.to_checkpoint();
        Score::from_checkpoint(&checkpoint, last.as_ref(), &candidates)
    };
    for (second, east_m) in
        [(1, 0.0), (5, 50_000.0), (10, 1.0), (15, 50_050.0), (20, 90_000.0), (25, 50_100.0), (60, 50_100.0)]
    {
        score.judge(&reported(second, east_m));
        assert_eq!(restored(&score), score, "{second}");
    }
    score.reset();
    assert_eq!((score.value(), score.plausible_frames()), (50, 0));
}

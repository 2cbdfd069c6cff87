use std::collections::BTreeMap;

use geo::distance::{distance_m, shifted};
use proptest::prelude::*;
use schemas::v1::PartitionClock;

use super::*;

const START_S: u64 = 1_750_000_000;
const HOME: Position = Position::new(46.0, 13.0);

fn report(id: u64, device: u32, second: u64, east_m: f64, climb_mps: f64) -> ThermalReport {
    let position_at = shifted(HOME, east_m, 0.0);
    let report = ClimbReport {
        report_id: id,
        event_at_us: (START_S + second) * 1_000_000,
        device,
        position: Some(schemas::v1::Position {
            latitude_deg: position_at.latitude_deg,
            longitude_deg: position_at.longitude_deg,
            altitude_m: Some(1_500.0),
        }),
        climb_mps,
        wind_from_deg: Some(270.0),
        wind_speed_kmh: Some(3.6),
        confidence_pct: 80.0,
        from_track: true,
        ..ClimbReport::default()
    };
    ThermalReport { content: Some(thermal_report::Content::Report(report)) }
}

fn clock(raw_partition: u32, second: u64) -> ThermalReport {
    let clock = PartitionClock { raw_partition, clock_us: (START_S + second) * 1_000_000, set_back_count: 0 };
    ThermalReport { content: Some(thermal_report::Content::Clock(clock)) }
}

fn changes(aggregator: &mut Aggregator, records: &[ThermalReport]) -> Changes {
    let mut out = Changes::default();
    for record in records {
        let offset = aggregator.next_offset();
        aggregator.apply(offset, record, &mut out);
    }
    out
}

fn run(aggregator: &mut Aggregator, records: &[ThermalReport]) -> Vec<ThermalChange> {
    changes(aggregator, records).thermals
}

#[test]
fn a_thermal_of_three_pilots_drifts_with_the_wind() {
    let mut aggregator = Aggregator::new(2);
    // 1 m/s to the east: after 300 s the next pilot finds it 300 m away, after 900 s a third 900 m away.
    let reports = [report(1, 1, 0, 0.0, 2.0), report(2, 2, 300, 300.0, 3.0), report(3, 3, 900, 900.0, 2.5)];
    run(&mut aggregator, &reports);
    assert!(aggregator.states().next().is_none(), "nothing before all clocks have passed");
    let out = run(&mut aggregator, &[clock(0, 2_000), clock(1, 1_000)]);
    assert_eq!(out.len(), 1);
    let state = out[0].state.as_ref().expect("live");
    assert_eq!((state.thermal_id, state.pilots, state.reports), (1, 3, 3));
    let centre = state.position.expect("present");
    let off_m = distance_m(Position::new(centre.latitude_deg, centre.longitude_deg), shifted(HOME, 900.0, 0.0));
    assert!(off_m < 20.0, "{off_m}");
    assert!((state.wind_from_deg.expect("present") - 270.0).abs() < 0.1);
    assert_eq!((state.max_climb_mps, state.version), (3.0, 4));
    assert!(state.mean_climb_mps > 2.0 && state.mean_climb_mps < 3.0);
}

#[test]
fn what_is_far_or_high_above_is_another_thermal() {
    let mut aggregator = Aggregator::new(1);
    let mut high = report(3, 3, 20, 0.0, 2.0);
    if let Some(thermal_report::Content::Report(report)) = &mut high.content {
        report.position.as_mut().expect("present").altitude_m = Some(2_400.0);
    }
    let out = run(&mut aggregator, &[report(1, 1, 0, 0.0, 2.0), report(2, 2, 10, 600.0, 2.0), high, clock(0, 100)]);
    assert_eq!(out.iter().map(|change| change.thermal_id).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_thermal_fades_and_ends_with_a_tombstone() {
    let mut aggregator = Aggregator::new(1);
    run(&mut aggregator, &[report(1, 1, 0, 0.0, 2.0), clock(0, 10)]);
    assert!(run(&mut aggregator, &[clock(0, 3 * 3_600)]).is_empty());
    let out = run(&mut aggregator, &[clock(0, 6 * 3_600)]);
    assert_eq!((out.len(), out[0].state.as_ref()), (1, None));
    let checkpoints = aggregator.changed_checkpoints("e");
    let written: Vec<_> = checkpoints.iter().map(|(key, checkpoint)| (key.as_str(), checkpoint.is_some())).collect();
    assert_eq!(written, [("0-1", false), ("wind/u21j/1500", false), ("#", true)]);
}

#[test]
fn a_report_that_comes_twice_counts_once() {
    let mut aggregator = Aggregator::new(1);
    let first = report(1, 1, 0, 0.0, 2.0);
    let out = run(&mut aggregator, &[first, first, clock(0, 10), first, clock(0, 20)]);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].state.as_ref().expect("live").reports, 1);
}

#[test]
fn nothing_moves_without_clocks() {
    let mut aggregator = Aggregator::new(2);
    let reports: Vec<_> = (1..50).map(|id| report(id, 1, id * 600, 0.0, 2.0)).collect();
    assert!(run(&mut aggregator, &reports).is_empty());
    assert!(run(&mut aggregator, &[clock(0, 90_000)]).is_empty(), "the other partition may still send older reports");
    assert_eq!(aggregator.clock_us(), 0);
}

#[test]
fn a_stopped_partition_is_waited_for_six_hours() {
    let hour = 3_600;
    let mut aggregator = Aggregator::new(3);
    run(&mut aggregator, &[clock(0, 0), clock(1, 0), clock(2, 0), report(1, 1, hour, 0.0, 2.0)]);
    assert!(run(&mut aggregator, &[clock(0, 7 * hour), clock(1, 7 * hour)]).is_empty());
    let out = run(&mut aggregator, &[clock(0, 7 * hour + 1), clock(1, 7 * hour + 1)]);
    assert_eq!(out.iter().map(|change| change.thermal_id).collect::<Vec<_>>(), [1]);
    // Its reports after it continues are too late where the others have been applied, and counts from there on.
    let late = [report(2, 2, hour, 0.0, 2.0), report(3, 3, hour + 60, 60.0, 2.0), clock(2, 2 * hour)];
    let out = run(&mut aggregator, &late);
    let state = out[0].state.expect("still live");
    assert_eq!((state.thermal_id, state.reports, state.pilots), (1, 2, 2));
}

#[test]
fn what_waits_is_bounded() {
    let mut aggregator = Aggregator::new(2);
    aggregator.max_held_reports = 10;
    let reports: Vec<_> = (1..=13).map(|id| report(id, 1, id, 0.0, 2.0)).collect();
    let out = run(&mut aggregator, &reports);
    assert_eq!((out.len(), aggregator.held.len()), (3, 10));
    assert_eq!(out[2].state.expect("live").reports, 3, "the oldest are applied");
}

#[test]
fn numbers_that_are_none_change_nothing() {
    let mut aggregator = Aggregator::new(1);
    let spoilt = |spoil: fn(&mut ClimbReport)| {
        let mut record = report(2, 2, 5, 0.0, 2.0);
        if let Some(thermal_report::Content::Report(report)) = &mut record.content {
            spoil(report);
        }
        record
    };
    let out = run(
        &mut aggregator,
        &[
            report(1, 1, 0, 0.0, 2.0),
            spoilt(|report| report.climb_mps = f64::NAN),
            spoilt(|report| report.wind_speed_kmh = Some(f64::INFINITY)),
            spoilt(|report| report.wind_speed_kmh = Some(501.0)),
            spoilt(|report| report.position = None),
            spoilt(|report| report.position.as_mut().expect("present").latitude_deg = 91.0),
            ThermalReport { content: None },
            clock(0, 10),
        ],
    );
    assert_eq!((out.len(), out[0].state.expect("live").reports), (1, 1));
}

/// The states without their versions, which are offsets and so depend on the order.
fn picture(aggregator: &Aggregator) -> (Vec<ThermalState>, Vec<WindState>) {
    let thermals = aggregator.states().filter_map(|change| change.state);
    let winds = aggregator.winds().cloned();
    (
        thermals.map(|state| ThermalState { version: 0, ..state }).collect(),
        winds.map(|state| WindState { version: 0, ..state }).collect(),
    )
}

/// What three partitions write: reports in order of time, with clocks in between.
fn partitions() -> impl Strategy<Value = Vec<Vec<ThermalReport>>> {
    let one = prop::collection::vec((1_u64..40, -3_000.0..3_000.0_f64, 1.0..5.0_f64), 1..20);
    prop::collection::vec(one, 3).prop_map(|partitions| {
        let records = |(partition, reports): (usize, Vec<(u64, f64, f64)>)| {
            let (mut second, mut sent) = (0, Vec::new());
            for (index, (pause, east_m, climb_mps)) in reports.into_iter().enumerate() {
                second += pause;
                let id = (partition * 1_000 + index) as u64;
                sent.push(report(id, partition as u32, second, east_m, climb_mps));
                if index % 3 == 0 {
                    sent.push(clock(partition as u32, second));
                }
            }
            sent.push(clock(partition as u32, 2_000));
            sent
        };
        partitions.into_iter().enumerate().map(records).collect()
    })
}

fn interleaved(partitions: &[Vec<ThermalReport>], choices: &[usize]) -> Vec<ThermalReport> {
    let mut queues: Vec<_> = partitions.iter().map(|records| records.iter()).collect();
    let (mut records, mut choices) = (Vec::new(), choices.iter().cycle());
    while !queues.is_empty() {
        let chosen = choices.next().expect("endless") % queues.len();
        match queues[chosen].next() {
            Some(record) => records.push(*record),
            None => drop(queues.remove(chosen)),
        }
    }
    records
}

/// What the topic of checkpoints holds: the newest record of each key.
fn save(aggregator: &mut Aggregator, topic: &mut BTreeMap<String, ThermalsState>) {
    for (key, checkpoint) in aggregator.changed_checkpoints("e") {
        match checkpoint {
            Some(checkpoint) => drop(topic.insert(key, checkpoint)),
            None => drop(topic.remove(&key)),
        }
    }
}

/// Three partitions over so long a time that thermals end.
fn a_day() -> impl Strategy<Value = Vec<Vec<ThermalReport>>> {
    partitions().prop_map(|partitions| {
        let stretch = |record: ThermalReport| {
            let content = record.content.map(|content| match content {
                thermal_report::Content::Report(report) => {
                    let event_at_us = stretched(report.event_at_us);
                    thermal_report::Content::Report(ClimbReport { event_at_us, ..report })
                }
                thermal_report::Content::Clock(clock) => {
                    thermal_report::Content::Clock(PartitionClock { clock_us: stretched(clock.clock_us), ..clock })
                }
            });
            ThermalReport { content }
        };
        partitions.into_iter().map(|records| records.into_iter().map(stretch).collect()).collect()
    })
}

/// Forty times the time since the start: half an hour becomes most of a day.
fn stretched(at_us: u64) -> u64 {
    let start_us = START_S * 1_000_000;
    start_us + (at_us - start_us) * 40
}

proptest! {
    #[test]
    fn changes_make_the_picture_and_versions_grow(
        partitions in a_day(),
        order in prop::collection::vec(0..3_usize, 1..60),
    ) {
        let (mut aggregator, mut out) = (Aggregator::new(3), Changes::default());
        let (mut given, mut versions) = (BTreeMap::new(), BTreeMap::new());
        let (mut winds, mut wind_versions) = (BTreeMap::new(), BTreeMap::new());
        for record in interleaved(&partitions, &order) {
            let offset = aggregator.next_offset();
            aggregator.apply(offset, &record, &mut out);
            for change in out.winds.drain(..) {
                let before = wind_versions.insert(change.key, change.version);
                prop_assert!(before < Some(change.version), "one change per wind and record");
                match change.state {
                    Some(state) => drop(winds.insert(change.key, state)),
                    None => prop_assert!(winds.remove(&change.key).is_some(), "what ends has been there"),
                }
            }
            for change in out.thermals.drain(..) {
                prop_assert_eq!(change.version, offset);
                let before = versions.insert(change.thermal_id, change.version);
                prop_assert!(before < Some(change.version), "one change per thermal and record");
                match change.state {
                    Some(state) => drop(given.insert(change.thermal_id, state)),
                    None => prop_assert!(given.remove(&change.thermal_id).is_some(), "what ends has been there"),
                }
            }
        }
        let known: BTreeMap<_, _> =
            aggregator.states().filter_map(|change| Some((change.thermal_id, change.state?))).collect();
        prop_assert_eq!(given, known);
        prop_assert!(winds.values().eq(aggregator.winds()));
    }

    #[test]
    fn reports_repeated_after_a_failure_change_nothing(
        partitions in partitions(),
        order in prop::collection::vec(0..3_usize, 1..60),
        from in 0..20_usize,
        length in 1..20_usize,
    ) {
        let mut again = partitions.clone();
        let records = &mut again[1];
        let from = from.min(records.len() - 1);
        let upto = (from + length).min(records.len());
        let repeated: Vec<_> = records[from..upto].to_vec();
        records.splice(upto..upto, repeated);
        let (mut once, mut twice) = (Aggregator::new(3), Aggregator::new(3));
        run(&mut once, &interleaved(&partitions, &order));
        run(&mut twice, &interleaved(&again, &order));
        prop_assert_eq!(picture(&once), picture(&twice));
    }

    #[test]
    fn incremental_checkpoints_are_complete(
        partitions in a_day(),
        order in prop::collection::vec(0..3_usize, 1..60),
        at in prop::collection::vec(0..60_usize, 1..6),
    ) {
        let records = interleaved(&partitions, &order);
        let (mut never_stopped, mut stopped) = (Aggregator::new(3), Aggregator::new(3));
        let mut topic = BTreeMap::new();
        for (index, record) in records.iter().enumerate() {
            if at.contains(&index) {
                save(&mut stopped, &mut topic);
            }
            let expected = changes(&mut never_stopped, std::slice::from_ref(record));
            prop_assert_eq!(expected, changes(&mut stopped, std::slice::from_ref(record)));
            if at.contains(&index) {
                // Lost what it knew of this record, and reads it again.
                let mut restored = Aggregator::new(3);
                // Parts come in any order.
                topic.values().rev().cloned().for_each(|checkpoint| restored.restore(checkpoint));
                run(&mut restored, std::slice::from_ref(record));
                stopped = restored;
            }
        }
        prop_assert_eq!(picture(&never_stopped), picture(&stopped));
    }

    #[test]
    fn the_picture_is_independent_of_interleaving(
        partitions in partitions(),
        one in prop::collection::vec(0..3_usize, 1..60),
        other in prop::collection::vec(0..3_usize, 1..60),
    ) {
        let (mut first, mut second) = (Aggregator::new(3), Aggregator::new(3));
        run(&mut first, &interleaved(&partitions, &one));
        run(&mut second, &interleaved(&partitions, &other));
        prop_assert_eq!(picture(&first), picture(&second));
    }

    #[test]
    fn a_checkpoint_at_any_record_changes_nothing(
        partitions in partitions(),
        order in prop::collection::vec(0..3_usize, 1..60),
        at in 0..40_usize,
    ) {
        let records = interleaved(&partitions, &order);
        let at = at.min(records.len());
        let mut continuous = Aggregator::new(3);
        run(&mut continuous, &records[..at]);
        let mut restored = Aggregator::new(3);
        continuous.changed_checkpoints("e").into_iter().filter_map(|(_, checkpoint)| checkpoint).for_each(|checkpoint| restored.restore(checkpoint));
        prop_assert_eq!(changes(&mut continuous, &records[at..]), changes(&mut restored, &records[at..]));
    }
}

use super::*;

const LIMITS: WatchdogLimits = WatchdogLimits {
    client: Duration::from_secs(10),
    caller: Duration::from_secs(60),
    hung_caller: Duration::from_secs(300),
    max_rejoins: 2,
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn partition(end: u64, committed: u64, owned: Option<OwnedStatus>) -> PartitionStatus {
    PartitionStatus { partition: TopicPartition::new("t", 0), low: 0, end, committed: Some(committed), owned }
}

fn owned(position: impl Into<Option<u64>>, waiting_for: WaitingFor) -> Option<OwnedStatus> {
    Some(OwnedStatus { position: position.into(), waiting_for })
}

fn known(partition: PartitionStatus) -> ReaderStatus {
    ReaderStatus::Known { partitions: vec![partition], others_own: false }
}

/// The verdict of each second from 0 on, where it changes.
fn verdicts(
    watchdog: &mut Watchdog,
    seconds: std::ops::Range<u64>,
    status: impl Fn(u64) -> ReaderStatus,
) -> Vec<(u64, &'static str)> {
    let mut found: Vec<(u64, &'static str)> = Vec::new();
    for second in seconds {
        let label = match watchdog.judge(at(second), &status(second)) {
            Verdict::Unknown => "unknown",
            Verdict::Healthy => "healthy",
            Verdict::Stalled { is_new: true, .. } => "stalled, new",
            Verdict::Stalled { is_new: false, .. } => "stalled",
            Verdict::Rejoin { is_new: true, .. } => "rejoin, new",
            Verdict::Rejoin { is_new: false, .. } => "rejoin",
            Verdict::End(_) => "end",
        };
        if found.last().is_none_or(|(_, last)| *last != label) {
            found.push((second, label));
        }
    }
    found
}

#[test]
fn owning_nothing_rejoins_and_ends_at_last() {
    let mut watchdog = Watchdog::new(LIMITS);
    // Nothing to read yet: the next records would wait.
    let found = verdicts(&mut watchdog, 0..40, |_| known(partition(7, 7, None)));
    let expected = [
        (0, "healthy"),
        (10, "rejoin, new"),
        (11, "stalled"),
        (21, "rejoin"),
        (22, "stalled"),
        (32, "end"),
        // If the process does not end, the next client has its time limit again.
        (33, "stalled"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn partitions_of_other_members_are_ignored() {
    let mut watchdog = Watchdog::new(LIMITS);
    let status = |_| ReaderStatus::Known { partitions: vec![partition(90, 7, None)], others_own: true };
    assert_eq!(verdicts(&mut watchdog, 0..40, status), [(0, "healthy")]);
}

#[test]
fn missing_topics_are_no_stall() {
    let mut watchdog = Watchdog::new(LIMITS);
    let status = |_| ReaderStatus::Known { partitions: Vec::new(), others_own: false };
    assert_eq!(verdicts(&mut watchdog, 0..40, status), [(0, "healthy")]);
}

#[test]
fn unread_owned_partitions_rejoin() {
    for position in [None, Some(3)] {
        let mut watchdog = Watchdog::new(LIMITS);
        let found = verdicts(&mut watchdog, 0..12, |_| known(partition(7, 3, owned(position, WaitingFor::Client))));
        assert_eq!(found, [(0, "healthy"), (10, "rejoin, new"), (11, "stalled")], "{position:?}");
    }
}

#[test]
fn each_record_read_counts_as_progress() {
    let mut watchdog = Watchdog::new(LIMITS);
    let found =
        verdicts(&mut watchdog, 0..90, |second| known(partition(1_000, 0, owned(second / 9, WaitingFor::Client))));
    assert_eq!(found, [(0, "healthy")]);
}

#[test]
fn a_reader_at_the_end_is_healthy() {
    let mut watchdog = Watchdog::new(LIMITS);
    assert_eq!(
        verdicts(&mut watchdog, 0..90, |_| known(partition(7, 7, owned(7, WaitingFor::Client)))),
        [(0, "healthy")]
    );
    // Records that retention removed need not be read.
    let removed = |_| known(PartitionStatus { low: 9, ..partition(9, 3, owned(3, WaitingFor::Client)) });
    assert_eq!(verdicts(&mut watchdog, 90..180, removed), [(90, "healthy")]);
}

#[test]
fn time_limits_stop_while_kafka_is_unavailable() {
    let mut watchdog = Watchdog::new(LIMITS);
    let status = |second| match second {
        5..60 => ReaderStatus::Unavailable,
        _ => known(partition(7, 3, owned(3, WaitingFor::Client))),
    };
    let expected = [(0, "healthy"), (5, "unknown"), (60, "healthy"), (70, "rejoin, new")];
    assert_eq!(verdicts(&mut watchdog, 0..71, status), expected);
}

#[test]
fn a_stall_ends_when_its_partitions_progress() {
    let mut watchdog = Watchdog::new(LIMITS);
    let status = |second| match second {
        0..15 => known(partition(7, 3, None)),
        // Owned again, and nothing read yet.
        15..18 => known(partition(7, 3, owned(None, WaitingFor::Client))),
        18..20 => known(partition(7, 3, owned(5, WaitingFor::Client))),
        20..30 => known(partition(7, 7, owned(7, WaitingFor::Client))),
        _ => known(partition(9, 7, None)),
    };
    let expected =
        [(0, "healthy"), (10, "rejoin, new"), (11, "stalled"), (18, "healthy"), (40, "rejoin, new"), (41, "stalled")];
    assert_eq!(verdicts(&mut watchdog, 0..45, status), expected);
}

#[test]
fn a_busy_caller_is_reported_and_a_hung_one_ends() {
    let mut watchdog = Watchdog::new(LIMITS);
    let found = verdicts(&mut watchdog, 0..302, |_| known(partition(7, 3, owned(3, WaitingFor::Caller))));
    assert_eq!(found, [(0, "healthy"), (60, "stalled, new"), (61, "stalled"), (300, "end")]);
    let mut watchdog = Watchdog::new(LIMITS);
    let found = verdicts(&mut watchdog, 0..302, |_| known(partition(7, 3, owned(3, WaitingFor::Resume))));
    assert_eq!(found, [(0, "healthy")], "paused on purpose");
}

#[test]
fn one_unowned_partition_rejoins() {
    let other = PartitionStatus { partition: TopicPartition::new("t", 1), ..partition(9, 3, None) };
    let status = |others_own| {
        let partitions = vec![partition(7, 7, owned(7, WaitingFor::Client)), other.clone()];
        ReaderStatus::Known { partitions, others_own }
    };
    let mut watchdog = Watchdog::new(LIMITS);
    assert_eq!(verdicts(&mut watchdog, 0..11, |_| status(false)), [(0, "healthy"), (10, "rejoin, new")]);
    let mut watchdog = Watchdog::new(LIMITS);
    assert_eq!(verdicts(&mut watchdog, 0..30, |_| status(true)), [(0, "healthy")]);
}

#[test]
fn lag_counts_available_records() {
    let status = |low, committed| PartitionStatus { low, committed, ..partition(100, 0, None) };
    let cases = [(0, Some(40), 60), (50, Some(40), 50), (30, None, 70), (0, Some(100), 0), (0, Some(120), 0)];
    for (low, committed, lag) in cases {
        assert_eq!(status(low, committed).lag(), lag, "{low} {committed:?}");
    }
}

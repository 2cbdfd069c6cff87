use super::*;

const PATIENCE: Patience = Patience {
    client: Duration::from_secs(10),
    caller: Duration::from_secs(60),
    hung_caller: Duration::from_secs(300),
    rejoins: 2,
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn partition(end: u64, committed: u64, owned: Option<OwnedSight>) -> PartitionSight {
    PartitionSight { partition: TopicPartition::new("t", 0), low: 0, end, committed: Some(committed), owned }
}

fn owned(position: impl Into<Option<u64>>, turn: Turn) -> Option<OwnedSight> {
    Some(OwnedSight { position: position.into(), turn })
}

fn seen(partition: PartitionSight) -> Sight {
    Sight::Seen { partitions: vec![partition], others_own: false }
}

/// One word for what is said at each second from 0 on.
fn words(
    watchdog: &mut Watchdog,
    seconds: std::ops::Range<u64>,
    sight: impl Fn(u64) -> Sight,
) -> Vec<(u64, &'static str)> {
    let mut said: Vec<(u64, &'static str)> = Vec::new();
    for second in seconds {
        let word = match watchdog.judge(at(second), &sight(second)) {
            Verdict::Unknown => "unknown",
            Verdict::Healthy => "healthy",
            Verdict::Stalled { is_new: true, .. } => "stalled, new",
            Verdict::Stalled { is_new: false, .. } => "stalled",
            Verdict::Rejoin { is_new: true, .. } => "rejoin, new",
            Verdict::Rejoin { is_new: false, .. } => "rejoin",
            Verdict::End(_) => "end",
        };
        if said.last().is_none_or(|(_, last)| *last != word) {
            said.push((second, word));
        }
    }
    said
}

#[test]
fn who_owns_nothing_joins_again_and_ends_at_last() {
    let mut watchdog = Watchdog::new(PATIENCE);
    // Nothing to read either: the frames that come next would wait.
    let said = words(&mut watchdog, 0..40, |_| seen(partition(7, 7, None)));
    let expected = [
        (0, "healthy"),
        (10, "rejoin, new"),
        (11, "stalled"),
        (21, "rejoin"),
        (22, "stalled"),
        (32, "end"),
        // Where nobody ends it, the next client has its time.
        (33, "stalled"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn what_others_own_is_theirs() {
    let mut watchdog = Watchdog::new(PATIENCE);
    let sight = |_| Sight::Seen { partitions: vec![partition(90, 7, None)], others_own: true };
    assert_eq!(words(&mut watchdog, 0..40, sight), [(0, "healthy")]);
}

#[test]
fn a_group_whose_topics_are_missing_has_nothing_to_own() {
    let mut watchdog = Watchdog::new(PATIENCE);
    let sight = |_| Sight::Seen { partitions: Vec::new(), others_own: false };
    assert_eq!(words(&mut watchdog, 0..40, sight), [(0, "healthy")]);
}

#[test]
fn what_is_owned_and_not_read_joins_again() {
    for position in [None, Some(3)] {
        let mut watchdog = Watchdog::new(PATIENCE);
        let said = words(&mut watchdog, 0..12, |_| seen(partition(7, 3, owned(position, Turn::Client))));
        assert_eq!(said, [(0, "healthy"), (10, "rejoin, new"), (11, "stalled")], "{position:?}");
    }
}

#[test]
fn each_record_read_counts_as_getting_on() {
    let mut watchdog = Watchdog::new(PATIENCE);
    let said = words(&mut watchdog, 0..90, |second| seen(partition(1_000, 0, owned(second / 9, Turn::Client))));
    assert_eq!(said, [(0, "healthy")]);
}

#[test]
fn who_is_at_the_end_has_nothing_to_do() {
    let mut watchdog = Watchdog::new(PATIENCE);
    assert_eq!(words(&mut watchdog, 0..90, |_| seen(partition(7, 7, owned(7, Turn::Client)))), [(0, "healthy")]);
    // What retention took need not be read.
    let gone = |_| seen(PartitionSight { low: 9, ..partition(9, 3, owned(3, Turn::Client)) });
    assert_eq!(words(&mut watchdog, 90..180, gone), [(90, "healthy")]);
}

#[test]
fn while_the_cluster_is_silent_no_time_passes() {
    let mut watchdog = Watchdog::new(PATIENCE);
    let sight = |second| match second {
        5..60 => Sight::Silent,
        _ => seen(partition(7, 3, owned(3, Turn::Client))),
    };
    let expected = [(0, "healthy"), (5, "unknown"), (60, "healthy"), (70, "rejoin, new")];
    assert_eq!(words(&mut watchdog, 0..71, sight), expected);
}

#[test]
fn an_incident_is_over_when_what_stood_still_moves() {
    let mut watchdog = Watchdog::new(PATIENCE);
    let sight = |second| match second {
        0..15 => seen(partition(7, 3, None)),
        // Owned again, and nothing read yet.
        15..18 => seen(partition(7, 3, owned(None, Turn::Client))),
        18..20 => seen(partition(7, 3, owned(5, Turn::Client))),
        20..30 => seen(partition(7, 7, owned(7, Turn::Client))),
        _ => seen(partition(9, 7, None)),
    };
    let expected =
        [(0, "healthy"), (10, "rejoin, new"), (11, "stalled"), (18, "healthy"), (40, "rejoin, new"), (41, "stalled")];
    assert_eq!(words(&mut watchdog, 0..45, sight), expected);
}

#[test]
fn a_busy_caller_is_told_of_and_a_hung_one_ends() {
    let mut watchdog = Watchdog::new(PATIENCE);
    let said = words(&mut watchdog, 0..302, |_| seen(partition(7, 3, owned(3, Turn::Caller))));
    assert_eq!(said, [(0, "healthy"), (60, "stalled, new"), (61, "stalled"), (300, "end")]);
    let mut watchdog = Watchdog::new(PATIENCE);
    let said = words(&mut watchdog, 0..302, |_| seen(partition(7, 3, owned(3, Turn::Nobody))));
    assert_eq!(said, [(0, "healthy")], "paused on purpose");
}

#[test]
fn a_partition_that_nobody_owns_beside_owned_ones() {
    let other = PartitionSight { partition: TopicPartition::new("t", 1), ..partition(9, 3, None) };
    let sight = |others_own| {
        let partitions = vec![partition(7, 7, owned(7, Turn::Client)), other.clone()];
        Sight::Seen { partitions, others_own }
    };
    let mut watchdog = Watchdog::new(PATIENCE);
    assert_eq!(words(&mut watchdog, 0..11, |_| sight(false)), [(0, "healthy"), (10, "rejoin, new")]);
    let mut watchdog = Watchdog::new(PATIENCE);
    assert_eq!(words(&mut watchdog, 0..30, |_| sight(true)), [(0, "healthy")]);
}

#[test]
fn lag_counts_what_is_still_there() {
    let sight = |low, committed| PartitionSight { low, committed, ..partition(100, 0, None) };
    let cases = [(0, Some(40), 60), (50, Some(40), 50), (30, None, 70), (0, Some(100), 0), (0, Some(120), 0)];
    for (low, committed, lag) in cases {
        assert_eq!(sight(low, committed).lag(), lag, "{low} {committed:?}");
    }
}

//! Flights that ended with the last position of their device, as they are recorded.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use history::{
    FlightQuery, FlightRow, GroundPositionRow, HistoryError, HistoryReader, ObservedRow as _, Period, PositionRow,
    ReceptionRow, SILENCE_MS, Since,
};
use runtime::Clock;
use schemas::v1::ReceivedBy;

const HOUR_MS: i64 = 3_600_000;
/// Devices that were last heard longer ago are not listed.
const LOOKED_FOR_MS: i64 = 24 * HOUR_MS;
/// No flight lasts longer.
const FLIGHT_MS: i64 = 24 * HOUR_MS;
/// Flights that are looked at.
const MAX_FLIGHTS: u64 = 20_000;
/// Ended flights that are looked into, the newest ones.
const MAX_ENDED: usize = 2_000;
/// Of one position.
const MAX_RECEIVERS: usize = 8;
/// For how long what was read is shared.
const FRESH: Duration = Duration::from_secs(30);

/// A flight whose last position is the last one of its device.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    pub(super) take_off_at_ms: i64,
    pub(super) last: PositionRow,
    /// Who heard the last position, the strongest first.
    pub(super) received_by: Vec<ReceivedBy>,
    /// The newest word from the ground since.
    pub(super) ground: Option<GroundPositionRow>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct AllEnded {
    pub(super) ended: Vec<Ended>,
    /// There were too many to look into all.
    pub(super) is_cut: bool,
}

/// A cache of the flights that were read, shared by all requests for a while. One request reads, the others wait for
/// it. Clones share it.
#[derive(Clone)]
pub(crate) struct Recorded(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// Until when it is shared.
    last: tokio::sync::Mutex<Option<(Duration, Arc<AllEnded>)>>,
}

impl Recorded {
    /// Nothing is read yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, last: tokio::sync::Mutex::default() }))
    }

    /// What was read lately, else what `read` gives.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) async fn get<F>(&self, read: impl FnOnce() -> F) -> Result<Arc<AllEnded>, HistoryError>
    where
        F: Future<Output = Result<AllEnded, HistoryError>>,
    {
        let mut last = self.0.last.lock().await;
        if let Some((until, known)) = last.as_ref()
            && self.0.clock.monotonic() < *until
        {
            return Ok(known.clone());
        }
        let found = Arc::new(read().await?);
        *last = Some((self.0.clock.monotonic() + FRESH, found.clone()));
        Ok(found)
    }
}

/// Reads the flights that ended so. `is_public`: whether a position of a device at a time may be seen.
///
/// # Errors
/// Transient: the store is unavailable.
pub(super) async fn read(
    store: &dyn HistoryReader,
    now_ms: i64,
    is_public: impl Fn(u32, i64) -> bool,
) -> Result<AllEnded, HistoryError> {
    let period = Period { from_ms: now_ms - LOOKED_FOR_MS - FLIGHT_MS, to_ms: now_ms };
    let query = FlightQuery { period: Some(period), limit: MAX_FLIGHTS, ..FlightQuery::default() };
    let mut flights = store.flights(query).await?;
    let mut is_cut = flights.len() as u64 >= MAX_FLIGHTS;
    flights.retain(|flight| is_public(flight.device, flight.landed_at_ms));
    let mut flights = silent_now(flights, now_ms);
    is_cut |= flights.len() > MAX_ENDED;
    flights.truncate(MAX_ENDED);
    let ends: Vec<Since> =
        flights.iter().map(|flight| Since { device: flight.device, from_ms: flight.landed_at_ms }).collect();
    let last = last_of(store.first_since(&ends).await?);
    flights.retain(|flight| last.contains_key(&flight.device));
    let silent: Vec<Since> = last.values().map(|row| Since { device: row.device, from_ms: row.event_at_ms }).collect();
    let ground = store.ground_since(&silent).await?;
    let mut ground: HashMap<u32, GroundPositionRow> = ground.into_iter().map(|row| (row.device, row)).collect();
    let positions: Vec<PositionRow> = last.values().cloned().collect();
    let mut received_by = received_by(store.receptions_of(&positions).await?);
    let ended = flights.iter().filter_map(|flight| {
        let last = last.get(&flight.device)?.clone();
        Some(Ended {
            take_off_at_ms: flight.take_off_at_ms,
            received_by: received_by.remove(&last.observation_id).unwrap_or_default(),
            ground: ground.remove(&flight.device),
            last,
        })
    });
    Ok(AllEnded { ended: ended.collect(), is_cut })
}

/// Of the newest flight of each device those that ended within the last day and long enough ago, the newest end first.
/// `flights`: the newest take-off first.
fn silent_now(flights: Vec<FlightRow>, now_ms: i64) -> Vec<FlightRow> {
    let mut seen = HashSet::new();
    let mut silent: Vec<FlightRow> = flights.into_iter().filter(|flight| seen.insert(flight.device)).collect();
    silent.retain(|flight| (now_ms - LOOKED_FOR_MS..=now_ms - SILENCE_MS).contains(&flight.landed_at_ms));
    silent.sort_by_key(|flight| (std::cmp::Reverse(flight.landed_at_ms), flight.device));
    silent
}

/// The last position of each device whose flight ended with it. After a landing at least two more would have come; a single one
/// more is taken for the last.
fn last_of(positions: Vec<PositionRow>) -> HashMap<u32, PositionRow> {
    let mut since: HashMap<u32, Vec<PositionRow>> = HashMap::new();
    for row in positions {
        since.entry(row.device).or_default().push(row);
    }
    since.retain(|_, rows| rows.len() <= 2);
    let last = |rows: Vec<PositionRow>| rows.into_iter().max_by_key(PositionRow::time_key);
    since.into_iter().filter_map(|(device, rows)| Some((device, last(rows)?))).collect()
}

/// By observation, the strongest first.
fn received_by(receptions: Vec<ReceptionRow>) -> HashMap<u64, Vec<ReceivedBy>> {
    let mut found: HashMap<u64, Vec<ReceivedBy>> = HashMap::new();
    for row in receptions {
        let Some(observation_id) = row.observation_id else { continue };
        let receivers = found.entry(observation_id).or_default();
        match receivers.iter_mut().find(|known| known.receiver_id == row.receiver_id) {
            Some(known) => known.rssi_dbm = known.rssi_dbm.max(row.rssi_dbm.into()),
            None => receivers.push(ReceivedBy {
                receiver_id: row.receiver_id,
                rssi_dbm: row.rssi_dbm.into(),
                snr_db: row.snr_db.into(),
            }),
        }
    }
    for receivers in found.values_mut() {
        receivers.sort_by_key(|receiver| std::cmp::Reverse(receiver.rssi_dbm));
        receivers.truncate(MAX_RECEIVERS);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_780_308_000_000;

    fn flight(device: u32, take_off_at_ms: i64, landed_at_ms: i64) -> FlightRow {
        FlightRow {
            device,
            take_off_at_ms,
            landed_at_ms,
            take_off_latitude_e7: 0,
            take_off_longitude_e7: 0,
            landing_latitude_e7: 0,
            landing_longitude_e7: 0,
            distance_m: 0,
            max_altitude_m: None,
            max_climb_cmps: 0,
            positions: 1,
            aircraft_kind: 2,
        }
    }

    fn position(device: u32, event_at_ms: i64) -> PositionRow {
        PositionRow { event_at_ms, observation_id: event_at_ms.unsigned_abs(), ..history::testing::position(device, 0) }
    }

    #[test]
    fn only_the_newest_flight_of_a_device_counts() {
        let at = |minutes: i64| NOW_MS - minutes * 60_000;
        let flights = vec![
            flight(1, at(40), at(5)),
            flight(2, at(60), at(15)),
            flight(3, at(90), at(30)),
            flight(1, at(300), at(200)),
            flight(4, at(1_500), at(1_440)),
            flight(5, at(1_600), at(1_441)),
        ];
        let silent: Vec<u32> = silent_now(flights, NOW_MS).iter().map(|flight| flight.device).collect();
        assert_eq!(silent, [2, 3, 4]);
    }

    #[test]
    fn a_device_that_was_heard_again_is_not_silent() {
        let rows = [(1, 10), (2, 10), (2, 20), (3, 10), (3, 20), (3, 30)];
        let last = last_of(rows.iter().map(|(device, at_ms)| position(*device, *at_ms)).collect());
        let mut found: Vec<_> = last.values().map(|row| (row.device, row.event_at_ms)).collect();
        found.sort_unstable();
        assert_eq!(found, [(1, 10), (2, 20)]);
    }

    #[test]
    fn receivers_come_once_and_by_strength() {
        let row = |receiver: &str, rssi_dbm: i16, observation_id: Option<u64>| ReceptionRow {
            receiver_id: receiver.to_owned(),
            ingested_at_ms: 0,
            reception_id: 0,
            observation_id,
            rssi_dbm,
            snr_db: 5,
            receiver_stamp_s: 0,
            relayed: false,
            packet_type: Some(1),
            latitude_e7: None,
            longitude_e7: None,
            altitude_m: None,
            device: Some(1),
        };
        let rows = vec![row("a", -100, Some(7)), row("b", -90, Some(7)), row("a", -80, Some(7)), row("c", -1, None)];
        let found = received_by(rows);
        let strengths: Vec<_> = found[&7].iter().map(|one| (one.receiver_id.as_str(), one.rssi_dbm)).collect();
        assert_eq!((found.len(), strengths), (1, vec![("a", -80), ("b", -90)]));
    }

    #[tokio::test]
    async fn what_was_read_is_shared_for_a_while() {
        let clock = Clock::manual(1_000_000_000);
        let recorded = Recorded::new(clock.clone());
        let found = |is_cut| async move { Ok(AllEnded { is_cut, ..AllEnded::default() }) };
        assert!(recorded.get(|| found(true)).await.expect("read").is_cut);
        assert!(recorded.get(|| found(false)).await.expect("shared").is_cut);
        clock.advance(FRESH);
        assert!(!recorded.get(|| found(false)).await.expect("read again").is_cut);
        let away = || async { Err(HistoryError::transient("unavailable", "read flights", "away")) };
        clock.advance(FRESH);
        assert!(recorded.get(away).await.is_err());
    }
}

//! Weather stations. They send their values in turns: each value is kept until it is sent again.

use schemas::v1::{Audience, SourceKind, StationMemory, StationState, WeatherReading};

/// A live weather station.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// The published state, without the fields that the device adds (name, receivers, flags).
    pub state: StationState,
    /// When it was last heard, by the partition's clock.
    pub seen_us: u64,
}

impl Station {
    /// A device that begins to be a station.
    pub fn new(device: u32, event_at_us: u64) -> Self {
        let state = StationState { device, first_seen_at_us: event_at_us, ..StationState::default() };
        Self { state, seen_us: 0 }
    }

    /// Takes a new reading.
    pub fn update(&mut self, event_at_us: u64, source: SourceKind, reading: &WeatherReading, clock_us: u64) {
        self.seen_us = clock_us;
        let state = &mut self.state;
        state.event_at_us = event_at_us;
        state.source = source.into();
        state.internet_gateway = reading.internet_gateway;
        state.position = reading.position.or(state.position);
        state.temperature_c = reading.temperature_c.or(state.temperature_c);
        if reading.wind_from_deg.is_some() || reading.wind_speed_kmh.is_some() {
            state.wind_from_deg = reading.wind_from_deg;
            state.wind_speed_kmh = reading.wind_speed_kmh;
            state.wind_gust_kmh = reading.wind_gust_kmh;
        }
        state.humidity_pct = reading.humidity_pct.or(state.humidity_pct);
        state.pressure_hpa = reading.pressure_hpa.or(state.pressure_hpa);
        state.state_of_charge_pct = reading.state_of_charge_pct.or(state.state_of_charge_pct);
    }

    /// As the checkpoint keeps it, with where it is shown.
    pub fn to_checkpoint(&self, audience: Audience) -> StationMemory {
        StationMemory { state: Some(self.state.clone()), seen_us: self.seen_us, audience: audience.into() }
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &StationMemory) -> Self {
        let state = checkpoint.state.clone().unwrap_or_default();
        Self { state, seen_us: checkpoint.seen_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_until_it_is_sent_again() {
        let mut station = Station::new(1, 5);
        let reading = WeatherReading { temperature_c: Some(20.0), wind_speed_kmh: Some(9.0), ..Default::default() };
        station.update(5, SourceKind::Radio, &reading, 5);
        station.update(6, SourceKind::Radio, &WeatherReading { humidity_pct: Some(50.0), ..Default::default() }, 6);
        let state = &station.state;
        assert_eq!(
            (state.temperature_c, state.wind_speed_kmh, state.humidity_pct),
            (Some(20.0), Some(9.0), Some(50.0))
        );
        assert_eq!((state.first_seen_at_us, state.event_at_us), (5, 6));
    }
}

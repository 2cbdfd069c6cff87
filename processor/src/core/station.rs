//! Weather stations. They send their values in turns: each value stands until it is told anew.

use schemas::v1::{Audience, SourceKind, StationMemory, StationState, WeatherReading};

/// A live weather station.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// What is published, without what the device knows beside it.
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
    pub fn update(&mut self, event_at_us: u64, source: SourceKind, told: &WeatherReading, clock_us: u64) {
        self.seen_us = clock_us;
        let state = &mut self.state;
        state.event_at_us = event_at_us;
        state.source = source.into();
        state.internet_gateway = told.internet_gateway;
        state.position = told.position.or(state.position);
        state.temperature_c = told.temperature_c.or(state.temperature_c);
        if told.wind_from_deg.is_some() || told.wind_speed_kmh.is_some() {
            state.wind_from_deg = told.wind_from_deg;
            state.wind_speed_kmh = told.wind_speed_kmh;
            state.wind_gust_kmh = told.wind_gust_kmh;
        }
        state.humidity_pct = told.humidity_pct.or(state.humidity_pct);
        state.pressure_hpa = told.pressure_hpa.or(state.pressure_hpa);
        state.state_of_charge_pct = told.state_of_charge_pct.or(state.state_of_charge_pct);
    }

    /// As the checkpoint keeps it, with where it is shown.
    pub fn to_memory(&self, audience: Audience) -> StationMemory {
        StationMemory { state: Some(self.state.clone()), seen_us: self.seen_us, audience: audience.into() }
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &StationMemory) -> Self {
        let state = memory.state.clone().unwrap_or_default();
        Self { state, seen_us: memory.seen_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_until_it_is_told_anew() {
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

//! The scenario of a simulation: its size, time and seed.

use serde::Serialize;
use thiserror::Error;

use super::centre::Centre;
use super::faults::{FaultError, Faults};

/// Aircraft and vehicles that one scenario has addresses for.
const MAX_MOBILES: usize = 300_000;
/// Weather stations, likewise.
const MAX_STATIONS: usize = 100_000;
/// Mobile devices that share one launch area: few enough that each sends every five seconds.
const MOBILES_PER_AREA: usize = 7;
/// Areas of the smallest world: two groups of three.
const FEWEST_AREAS: usize = 6;

/// The description of a world. The same scenario gives the same frames, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scenario {
    /// Chooses among all worlds of this size.
    pub seed: u64,
    /// When it begins, microseconds since the Unix epoch.
    pub start_us: u64,
    /// Aircraft, hidden ones included.
    pub aircraft: usize,
    /// Weather stations.
    pub stations: usize,
    /// Retrieve drivers.
    pub vehicles: usize,
    /// Receivers that hear it all.
    pub receivers: usize,
    /// Where it lies; `None`: in the Alps, and beyond them where that is too small.
    pub centre: Option<Centre>,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

/// An invalid scenario.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// A fault out of its range.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// More devices of a sort than there are addresses for them.
    #[error("{given} {what} are too many: expected at most {most}, the number of addresses")]
    TooMany {
        /// Aircraft and vehicles, or stations.
        what: &'static str,
        /// As asked for.
        given: usize,
        /// As possible.
        most: usize,
    },
}

impl Scenario {
    /// A world around a number of aircraft, everything else in proportion: for 40 aircraft 10 stations, 4 vehicles and
    /// 8 receivers.
    pub fn of(aircraft: usize, seed: u64, start_us: u64) -> Self {
        Self {
            seed,
            start_us,
            aircraft,
            stations: aircraft.div_ceil(4).max(2),
            vehicles: aircraft / 10,
            receivers: (aircraft / 5).max(8),
            centre: None,
            faults: Faults::default(),
        }
    }

    /// Refuses what has no addresses, and faults out of their ranges.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn check(&self) -> Result<(), ScenarioError> {
        let mobiles = self.mobiles();
        if mobiles > MAX_MOBILES {
            return Err(ScenarioError::TooMany { what: "aircraft and vehicles", given: mobiles, most: MAX_MOBILES });
        }
        if self.stations > MAX_STATIONS {
            return Err(ScenarioError::TooMany { what: "stations", given: self.stations, most: MAX_STATIONS });
        }
        Ok(self.faults.check(self.aircraft)?)
    }

    /// Aircraft and vehicles together.
    pub(crate) fn mobiles(&self) -> usize {
        self.aircraft + self.vehicles
    }

    /// How many launch areas it takes.
    pub(crate) fn areas(&self) -> usize {
        self.mobiles().div_ceil(MOBILES_PER_AREA + 1).max(FEWEST_AREAS)
    }

    /// Devices that each sender of an area hears, itself not counted.
    pub(crate) fn neighbours(&self) -> usize {
        let devices = self.mobiles() + self.stations;
        devices.div_ceil(self.areas()).saturating_sub(1)
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::of(40, 1, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_the_default_world_can_send_every_5_s() {
        let scenario = Scenario::default();
        assert_eq!((scenario.aircraft, scenario.stations, scenario.vehicles, scenario.receivers), (40, 10, 4, 8));
        assert!(scenario.neighbours() < 10, "{}", scenario.neighbours());
        assert!(Scenario::of(70_000, 1, 0).neighbours() < 10);
    }

    #[test]
    fn more_devices_than_addresses_are_refused() {
        assert_eq!(Scenario::of(100_000, 1, 0).check(), Ok(()));
        assert!(matches!(Scenario::of(400_000, 1, 0).check(), Err(ScenarioError::TooMany { .. })));
    }
}

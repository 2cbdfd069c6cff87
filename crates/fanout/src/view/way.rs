//! When the frame behind a state passed each program.

use schemas::{headers, v1};

use super::{ObjectId, View};

/// When the frame behind a state passed the programs up to the reader of the view, microseconds since the epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    before: headers::Way,
    read_at_us: u64,
}

impl Way {
    /// Parses the `way` header of a record that was read at that time.
    pub fn parse(header: &[u8], read_at_us: u64) -> Self {
        Self { before: headers::Way::parse(header), read_at_us }
    }
}

impl View {
    /// Stores the way of an object's present state; ignored where the object is unknown. The next state clears it.
    pub fn set_way(&mut self, id: ObjectId, way: Way) {
        if self.objects.contains_key(&id) {
            self.ways.insert(id, way);
        }
    }

    /// The way of the newest of a device's states; `None`: the record of that state had none, or was read to catch up.
    pub fn way_of_device(&self, device: u32) -> Option<v1::Way> {
        let newest = self.of_device(device).max_by_key(|object| object.version())?;
        let Way { before, read_at_us } = self.ways.get(&newest.id)?;
        Some(v1::Way {
            version: newest.version(),
            receiver_at_us: before.receiver_us,
            bridge_at_us: before.bridge_us,
            processor_at_us: before.processor_us,
            pusher_at_us: *read_at_us,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Input, Kind, Origin, State};
    use super::*;

    const ID: ObjectId = ObjectId { kind: Kind::Aircraft, key: 1 };

    fn read(view: &mut View, input: Input) {
        view.apply(Origin { partition: 0, offset: 0 }, 0, input, &mut Vec::new());
    }

    fn aircraft(version: u64) -> Input {
        Input::State(State::Aircraft(v1::AircraftState { device: 1, version, ..Default::default() }))
    }

    #[test]
    fn a_way_is_that_of_the_present_state() {
        let way = Way::parse(b"b=6000000,p=6000400", 7_000_000);
        let mut view = View::new(1);
        view.set_way(ID, way);
        assert_eq!(view.way_of_device(1), None, "an unknown object has no way");
        read(&mut view, aircraft(5));
        assert_eq!(view.way_of_device(1), None);
        view.set_way(ID, way);
        let expected = v1::Way {
            version: 5,
            receiver_at_us: None,
            bridge_at_us: Some(6_000_000),
            processor_at_us: Some(6_000_400),
            pusher_at_us: 7_000_000,
        };
        assert_eq!(view.way_of_device(1), Some(expected));
        read(&mut view, aircraft(4));
        assert_eq!(view.way_of_device(1).map(|way| way.version), Some(5), "an older record changes nothing");
        read(&mut view, aircraft(6));
        assert_eq!(view.way_of_device(1), None, "the newer record has none");
    }

    #[test]
    fn a_way_ends_with_its_object() {
        let mut view = View::new(1);
        read(&mut view, aircraft(5));
        view.set_way(ID, Way::parse(b"b=1", 2));
        read(&mut view, Input::Removed { kind: Kind::Aircraft, key: "000001".into(), version: Some(6) });
        assert!(view.ways.is_empty());
    }
}

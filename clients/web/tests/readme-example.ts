import { AirPicture, Connection, ObjectKind, Session } from 'updraft-client';

const picture = new AirPicture((next, before) => console.log(next.name, next.altitudeM, before?.altitudeM));
const session = new Session(picture);
const connection = new Connection(session, 'wss://example.org/ws/v1/updates', { onMessage: () => console.log(session.status, picture.aircraft.size) });
connection.want({
  region: { circle: { latitude_deg: 46.6, longitude_deg: 8, radius_km: 50 } },
  kinds: [ObjectKind.OBJECT_KIND_AIRCRAFT, ObjectKind.OBJECT_KIND_GROUND, ObjectKind.OBJECT_KIND_ALERT],
  follow: [0x110b90], // these devices wherever they are
});

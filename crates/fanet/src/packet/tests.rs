use super::*;

#[test]
fn codes_and_types_are_one_to_one() {
    for code in 0..64 {
        assert_eq!(PacketType::from_code(code).code(), code);
        assert_eq!(PacketType::from_code(code | 0xC0).code(), code);
    }
    assert_eq!(PacketType::from_code(11).name(), "unknown");
}

use super::*;

/// Until 2036-11-27T19:08:00Z, as OpenSSL says, written with two digits of the year.
const UNTIL_2036: &str = "\
-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIUdtcF72u8v6FHJ6ThviMULRCRjfgwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLb25lLmV4YW1wbGUwHhcNMjYxMTMwMTkwODAwWhcNMzYxMTI3
MTkwODAwWjAWMRQwEgYDVQQDDAtvbmUuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABEq/teb+62487a3VPipHlJkLpkBLTxbQOmcdXoprTXKUXvRDw/J7
UTUsGwIGR3qvX7KCZ0ZJYk0dhqFsw5EOPuujUzBRMB0GA1UdDgQWBBSm/ScINm/W
C+4QXBEsh/yJ0Snc0TAfBgNVHSMEGDAWgBSm/ScINm/WC+4QXBEsh/yJ0Snc0TAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIEiiG8OaOHoglxYqMPE+
qIsOFTlKO8JhSPRGdNFEUdjdAiAJG/mT+mYBNGfKXCwaCmyIYmKmKjFCoMAHe/vf
bVOlmQ==
-----END CERTIFICATE-----
";
/// Until 2081-09-02T19:08:00Z, written with four.
const UNTIL_2081: &str = "\
-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUPB9AgI4Pi7m3485ZqXaWDsFzNnUwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLdHdvLmV4YW1wbGUwIBcNMjYxMTMwMTkwODAwWhgPMjA4MTA5
MDIxOTA4MDBaMBYxFDASBgNVBAMMC3R3by5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEglB9h0SrdkbuYkzgD0JuyhiRqAoj+FxhBbxpJ7Dvl9ayJjNz
LbBF/4yp3BxlGA3zDQ+wTNSyB1zUblhsgN06VKNTMFEwHQYDVR0OBBYEFO1nd7s7
w1YEdxQqxUuoK81ey+5YMB8GA1UdIwQYMBaAFO1nd7s7w1YEdxQqxUuoK81ey+5Y
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgIlOqDnQ51OvI6Iif
HPjwchpdK3DQV0M7z91OO1nX4HgCIQDLJ/JCk+JTuGpnnLJB8C3p4Wq1gMImeBIt
4NRZ2kLHkA==
-----END CERTIFICATE-----
";
const END_2036: u64 = 2_111_425_680;
const END_2081: u64 = 3_524_065_680;

#[test]
fn a_chain_ends_with_its_first_certificate() {
    let expiry = |pem: &str, purpose| expiry_of(pem.as_bytes(), purpose);
    assert_eq!(expiry(UNTIL_2036, CertificateUse::Own), Some(END_2036));
    assert_eq!(expiry(UNTIL_2081, CertificateUse::Own), Some(END_2081));
    let both = format!("a remark\n{UNTIL_2081}{UNTIL_2036}");
    assert_eq!(expiry(&both, CertificateUse::Own), Some(END_2036));
    assert_eq!(expiry(&both, CertificateUse::Trusted), Some(END_2081));
    assert_eq!(expiry("no PEM", CertificateUse::Own), None);
}

#[test]
fn a_renewed_file_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, absent) = (folder.path().join("own.pem"), folder.path().join("absent.pem"));
    fs::write(&own, UNTIL_2036).expect("written");
    let metrics = Metrics::new();
    let certificates = CertificateFiles::new(&metrics);
    certificates.watch(&own, CertificateUse::Own);
    certificates.watch(&absent, CertificateUse::Trusted);
    let line = |end: u64| format!("fanet_certificate_expiry_seconds{{file=\"{}\"}} {end}\n", own.display());
    let text = metrics.to_text();
    assert!(text.contains(&line(END_2036)) && !text.contains("absent"), "{text}");
    fs::write(&own, "").expect("written");
    assert!(metrics.to_text().contains(&line(END_2036)), "it is being replaced");
    fs::write(&own, UNTIL_2081).expect("written");
    assert!(metrics.to_text().contains(&line(END_2081)));
}

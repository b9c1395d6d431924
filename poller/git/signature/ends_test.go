package signature

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/bittrance/kitops/poller/git/object"
)

// owner makes an OpenPGP key then, which is valid so long, 0 for ever.
func owner(t *testing.T, name string, then time.Time, lifetime time.Duration) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity(name, "", name+"@example.com", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(lifetime / time.Second), Time: func() time.Time { return then },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// public is the file of some keys.
func public(t *testing.T, all ...*openpgp.Entity) []byte {
	t.Helper()
	var file bytes.Buffer
	for _, e := range all {
		if err := e.Serialize(&file); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

// signedBy is a commit that keys have signed then, all in one block.
func signedBy(t *testing.T, then time.Time, all ...*openpgp.Entity) object.Object {
	t.Helper()
	const message = "\nSigned\n"
	var packets, text bytes.Buffer
	for _, e := range all {
		if err := openpgp.DetachSign(&packets, e, strings.NewReader(head+message), &packet.Config{Time: func() time.Time { return then }}); err != nil {
			t.Fatal(err)
		}
	}
	armoured(t, &text, packets.Bytes())
	return object.Object{Kind: object.KindCommit, Data: []byte(head + header("gpgsig", text.String()) + message)}
}

// TestExpiredKeysAreNamedWithTheirDay when what they have signed is verified anew; extended and put into the file once more they count.
func TestExpiredKeysAreNamedWithTheirDay(t *testing.T) {
	t.Parallel()
	then := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const lifetime = 90 * 24 * time.Hour
	anna := owner(t, "anna", then, lifetime)
	commit := signedBy(t, then.Add(time.Hour), anna)
	var k Keys
	if err := k.AddPGP(public(t, anna)); err != nil {
		t.Fatal(err)
	}
	if by, err := k.Verify(commit, "", then.Add(lifetime-time.Hour)); err != nil || !strings.HasPrefix(by.Name, "anna <anna@example.com> ") {
		t.Errorf("the day before: %+v %v", by, err)
	}
	expired := fmt.Sprintf("the key of %s expired on 2026-04-02: have it extended, and put it into the file anew", nameOf(anna))
	if by, err := k.Verify(commit, "", then.Add(lifetime+time.Hour)); err == nil || err.Error() != expired || by != (Signer{}) {
		t.Errorf("the day after: %+v %v, want %s", by, err, expired)
	}
	if _, err := k.Verify(commit, "", then.Add(-time.Hour)); err == nil || !strings.Contains(err.Error(), "is not valid now") {
		t.Errorf("before it was made: %v", err)
	}
	for days, says := range map[int]string{59: "", 61: "expires on 2026-04-02", 89: "expires on 2026-04-02", 91: "expired on 2026-04-02"} {
		now := then.Add(time.Duration(days) * 24 * time.Hour)
		got := strings.Join(k.Expiring(now, now.Add(30*24*time.Hour)), "; ")
		if says == "" && got != "" || !strings.HasSuffix(got, says) {
			t.Errorf("after %d days: %q, want %q", days, got, says)
		}
	}

	extended := owner(t, "anna", then, 0)
	extended.PrimaryKey, extended.PrivateKey, extended.Subkeys = anna.PrimaryKey, anna.PrivateKey, nil
	identity := extended.PrimaryIdentity()
	identity.SelfSignature.IssuerKeyId, identity.SelfSignature.IssuerFingerprint = &anna.PrimaryKey.KeyId, anna.PrimaryKey.Fingerprint
	if err := identity.SelfSignature.SignUserId(identity.UserId.Id, anna.PrimaryKey, anna.PrivateKey, nil); err != nil {
		t.Fatal(err)
	}
	k = Keys{}
	if err := k.AddPGP(public(t, extended)); err != nil {
		t.Fatal(err)
	}
	if by, err := k.Verify(commit, "", then.Add(2*lifetime)); err != nil || by.Name != nameOf(anna) || len(k.Ends()) != 0 {
		t.Errorf("extended: %+v %v, ends %v", by, err, k.Ends())
	}
}

// TestTwoSignaturesInOneBlock are refused, as git does, whosever they are; an unknown key is named.
func TestTwoSignaturesInOneBlock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	anna, eve := owner(t, "anna", now, 0), owner(t, "eve", now, 0)
	var k Keys
	if err := k.AddPGP(public(t, anna)); err != nil {
		t.Fatal(err)
	}
	for _, all := range [][]*openpgp.Entity{{anna, anna}, {eve, anna}, {anna, eve}} {
		if by, err := k.Verify(signedBy(t, now, all...), "", now); err == nil || !strings.Contains(err.Error(), "more than one signature") {
			t.Errorf("%+v %v", by, err)
		}
	}
	if _, err := k.Verify(signedBy(t, now, eve), "", now); err == nil || err.Error() != "by the OpenPGP key "+shortName(eve)+", which is none of the keys given" {
		t.Error(err)
	}
}

// TestEndsOfKeys are told once for each key, that of the line that lasts longest.
func TestEndsOfKeys(t *testing.T) {
	t.Parallel()
	then := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	const one, other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJm"
	var k Keys
	if err := k.AddSSH([]byte(`anna valid-before="20260301Z" ` + one + "\n" + `anna valid-before="20260201Z",namespaces="git" ` + one + "\n" +
		`ben valid-before="20260115Z" ` + one + "\nben " + one + "\n" + `*@example.com cert-authority,valid-before="20260115Z" ` + other)); err != nil {
		t.Fatal(err)
	}
	never, soon := owner(t, "dora", then, 0), owner(t, "emil", then, 24*time.Hour)
	if err := k.AddPGP(public(t, never, soon)); err != nil {
		t.Fatal(err)
	}
	if err := k.AddWebFlow(public(t, owner(t, "GitHub", then, time.Hour))); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, end := range k.Ends() {
		if end.Key == "" {
			t.Errorf("%+v", end)
		}
		got = append(got, strings.Fields(end.Name)[0]+" "+end.At.UTC().Format(day))
	}
	if want := []string{"emil 2026-01-03", "*@example.com 2026-01-15", "anna 2026-03-01"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestEndsOfSubkeys is that of the last one that may sign, and of the first key at the latest.
func TestEndsOfSubkeys(t *testing.T) {
	t.Parallel()
	then := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *packet.Config {
		return &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(d / time.Second), Time: func() time.Time { return then }}
	}
	e := owner(t, "anna", then, 1000*time.Hour)
	e.PrimaryIdentity().SelfSignature.FlagSign = false
	for _, d := range []time.Duration{10 * time.Hour, 20 * time.Hour, 2000 * time.Hour} {
		if err := e.AddSigningSubkey(at(d)); err != nil {
			t.Fatal(err)
		}
	}
	if got := ends(e); got.Sub(then) != 1000*time.Hour {
		t.Errorf("ends after %s", got.Sub(then))
	}
	e.Subkeys = e.Subkeys[:len(e.Subkeys)-1]
	if got := ends(e); got.Sub(then) != 20*time.Hour {
		t.Errorf("ends after %s", got.Sub(then))
	}
}

// armoured writes a signature as text.
func armoured(t *testing.T, to *bytes.Buffer, data []byte) {
	t.Helper()
	w, err := armor.Encode(to, openpgp.SignatureType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	to.WriteByte('\n')
}

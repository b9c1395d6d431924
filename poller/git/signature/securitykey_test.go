//go:build unix

package signature_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/signature"
)

const (
	application = "ssh:"
	touched     = 1 // a flag of what a security key signs
)

// securityKey is one of FIDO2, without the hardware: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f
type securityKey struct {
	public ssh.PublicKey
	sign   func(original []byte) []byte
	flags  byte
}

func (k securityKey) PublicKey() ssh.PublicKey { return k.public }

func (k securityKey) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	of, is := sha256.Sum256([]byte(application)), sha256.Sum256(data)
	original := binary.BigEndian.AppendUint32(append(of[:], k.flags), 7)
	rest := ssh.Marshal(struct {
		Flags   byte
		Counter uint32
	}{k.flags, 7})
	return &ssh.Signature{Format: k.public.Type(), Blob: k.sign(append(original, is[:]...)), Rest: rest}, nil
}

// securityKeys are one of each kind.
func securityKeys(t *testing.T) map[string]securityKey {
	t.Helper()
	parse := func(fields any) ssh.PublicKey {
		key, err := ssh.ParsePublicKey(ssh.Marshal(fields))
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]securityKey{
		"ed25519": {
			public: parse(struct{ Type, Key, Application string }{ssh.KeyAlgoSKED25519, string(edPublic), application}),
			sign:   func(original []byte) []byte { return ed25519.Sign(ed, original) },
		},
		"ecdsa": {
			public: parse(struct{ Type, Curve, Key, Application string }{ssh.KeyAlgoSKECDSA256, "nistp256", string(point), application}),
			sign: func(original []byte) []byte {
				digest := sha256.Sum256(original)
				r, s, err := ecdsa.Sign(rand.Reader, ec, digest[:])
				if err != nil {
					t.Error(err)
				}
				return ssh.Marshal(struct{ R, S *big.Int }{r, s})
			},
		},
	}
}

// signedBy makes a commit with the signature in that header, and a tag, as git would with the key.
func (s *signers) signedBy(key ssh.Signer, in string) (commit, tag string) {
	s.Helper()
	armour := func(payload []byte) string {
		sig, err := sshsig.Sign(bytes.NewReader(payload), key, sshsig.HashSHA512, "git")
		if err != nil {
			s.Fatal(err)
		}
		return strings.TrimSuffix(string(sshsig.Armor(sig)), "\n")
	}
	written := func(kind, data string) string {
		return strings.TrimSpace(string(gittest.RawOutput(s, s.repo.Work, data, "hash-object", "-t", kind, "-w", "--stdin")))
	}
	payload := string(s.object(s.repo.SHA("HEAD")).Data)
	head, body, _ := strings.Cut(payload, "\n\n")
	commit = written("commit", head+"\n"+in+" "+strings.ReplaceAll(armour([]byte(payload)), "\n", "\n ")+"\n\n"+body)
	tagged := "object " + commit + "\ntype commit\ntag v1\ntagger anna <anna@example.com> 1700000000 +0000\n\nA tag\n"
	return commit, written("tag", tagged+armour([]byte(tagged))+"\n")
}

// TestSecurityKeysAsGit, but for what was signed without a touch, which git takes.
func TestSecurityKeysAsGit(t *testing.T) {
	s := newSigners(t)
	for kind, key := range securityKeys(t) {
		line := "anna@example.com " + string(ssh.MarshalAuthorizedKey(key.public))
		file := gittest.Write(t, filepath.Join(s.dir, "allowed"), line)
		var k, none signature.Keys
		if err := k.AddSSH([]byte(line)); err != nil {
			t.Fatal(err)
		}
		key.flags = touched
		commit, tag := s.signedBy(key, "gpgsig")
		s.asGit(kind, &k, commit, tag, "gpg.ssh.allowedSignersFile="+file)
		if by, err := k.Verify(s.object(commit), "", time.Now()); err != nil || by.Name != "anna@example.com" || by.Key != ssh.FingerprintSHA256(key.public) {
			t.Errorf("%s: %+v %v", kind, by, err)
		}
		if by, err := none.Verify(s.object(commit), "", time.Now()); err == nil {
			t.Errorf("%s: %+v, and nobody's signature counts", kind, by)
		}
		key.flags = 0
		commit, _ = s.signedBy(key, "gpgsig")
		if by, err := k.Verify(s.object(commit), "", time.Now()); err == nil || !strings.Contains(err.Error(), "its SSH signature is wrong") {
			t.Errorf("%s without a touch: %+v %v", kind, by, err)
		}
		key.flags = touched
		commit, tag = s.signedBy(key, "gpgsig-sha256")
		s.asGit(kind+" in a header of SHA-256", &k, commit, tag, "gpg.ssh.allowedSignersFile="+file)
		if by, err := k.Verify(s.object(commit), "", time.Now()); err == nil {
			t.Errorf("%s in a header of SHA-256: %+v", kind, by)
		}
	}
}

// TestSignaturesOfSHA256RepositoriesAsGit stand in a header of their own.
func TestSignaturesOfSHA256RepositoriesAsGit(t *testing.T) {
	s := newSigners(t, "--object-format=sha256")
	line := "anna@example.com " + s.key("anna", "-t", "ed25519")
	file := gittest.Write(t, filepath.Join(s.dir, "allowed"), line+"\n")
	var k signature.Keys
	if err := k.AddSSH([]byte(line)); err != nil {
		t.Fatal(err)
	}
	commit, tag := s.signed("gpg.format=ssh", "user.signingkey="+filepath.Join(s.dir, "anna.pub"))
	if !bytes.Contains(s.object(commit).Data, []byte("\ngpgsig-sha256 ")) {
		t.Fatalf("%s", s.object(commit).Data)
	}
	s.asGit("SHA-256", &k, commit, tag, "gpg.ssh.allowedSignersFile="+file)
	if by, err := k.Verify(s.object(commit), "", time.Now()); err != nil || by.Name != "anna@example.com" {
		t.Errorf("%+v %v", by, err)
	}
}

package git

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/git/signature"
)

const (
	maxKeyFile = 4 << 20             // bytes
	expiresIn  = 30 * 24 * time.Hour // a key that does is named
)

// KeyFiles are the files that say whose signatures count.
type KeyFiles struct {
	AllowedSigners string // of ssh-keygen(1); "": none
	KeyRing        string // public keys of OpenPGP; "": none

	WebFlow *WebFlow `json:"-"` // what is committed on GitHub's web pages; nil: does not count
	Foreign bool     `json:"-"` // whoever wrote it may not push: GitHub signs for everybody, so that WebFlow does not count
}

// UnsignedError says that a revision is not signed as it must be. Only other key files, or another revision, change that.
type UnsignedError struct {
	Reason     string
	Keys       string // what Digest of the key files was
	UnknownKey bool   // it is signed, by an OpenPGP key that is none of them
}

func (e *UnsignedError) Error() string { return e.Reason }

// Signer is who signed a revision.
type Signer struct {
	Name     string
	Key      string   // its fingerprint
	Commit   string   // what was signed, or what the tag leads to that was
	Expiring []string // what is to be said of keys that expire soon, or have
}

// read reads the files as they are now.
func (k KeyFiles) read() (keys *signature.Keys, digest string, err error) {
	keys = &signature.Keys{}
	var sum []byte
	for _, file := range []struct {
		path string
		add  func([]byte) error
	}{{k.AllowedSigners, keys.AddSSH}, {k.KeyRing, keys.AddPGP}} {
		if file.path == "" {
			continue
		}
		data, err := files.ReadRegular(file.path, maxKeyFile)
		if err != nil {
			return nil, "", err
		}
		if err := file.add(data); err != nil {
			return nil, "", fmt.Errorf("%s: %w", file.path, err)
		}
		sum = append(fmt.Appendln(sum, len(data)), data...)
	}
	if k.WebFlow != nil {
		key, _ := k.WebFlow.known()
		if !k.Foreign {
			err = keys.AddWebFlow(key)
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", k.WebFlow.URL, err)
		}
		sum = append(fmt.Appendln(sum, "web-flow", len(key)), key...)
	}
	return keys, object.SHA256.Sum(sum).String()[:16], nil
}

// Check says what is wrong with the files.
func (k KeyFiles) Check() error {
	_, _, err := k.read()
	return err
}

// now reads the files, and GitHub's key from its web host where that of today is not here.
func (k KeyFiles) now(ctx context.Context) (keys *signature.Keys, digest string, err error) {
	if k.WebFlow != nil {
		if err := k.WebFlow.have(ctx); err != nil {
			return nil, "", err
		}
	}
	return k.read()
}

// Signers are whose signatures count, and what is to be said of keys that expire soon, or have.
func (k KeyFiles) Signers(ctx context.Context) (names, expiring []string, err error) {
	keys, _, err := k.now(ctx)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	return keys.Names(), keys.Expiring(now, now.Add(expiresIn)), nil
}

// Ends are the keys of the files that have an end, by that.
func (k KeyFiles) Ends() ([]KeyEnd, error) {
	keys, _, err := k.read()
	if err != nil {
		return nil, err
	}
	return keys.Ends(), nil
}

// Digest is the same as long as the files are; "" where they cannot be read.
func (k KeyFiles) Digest() string {
	_, digest, err := k.read()
	if err != nil {
		return ""
	}
	return digest
}

// names are those of the files, for people.
func (k KeyFiles) names() string {
	var names []string
	for _, path := range []string{k.AllowedSigners, k.KeyRing} {
		if path != "" {
			names = append(names, filepath.Base(path))
		}
	}
	if k.WebFlow != nil && !k.Foreign {
		names = append(names, signature.WebFlow)
	}
	if len(names) == 0 {
		return "the keys that count for a stranger, of which there are none"
	}
	return "one of " + strings.Join(names, ", ")
}

// verifier is key files as they were read.
type verifier struct {
	KeyFiles
	keys   *signature.Keys
	digest string
}

// verifier reads the files, and GitHub's key from its web host where that of today is not here.
func (k KeyFiles) verifier(ctx context.Context) (*verifier, error) {
	keys, digest, err := k.now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read whose signatures count: %w", err)
	}
	return &verifier{k, keys, digest}, nil
}

func (v *verifier) refused(reason string) *UnsignedError {
	return &UnsignedError{Reason: reason, Keys: v.digest}
}

// signer tells who signed what a ref leads to.
func (v *verifier) signer(ctx context.Context, ref string, signed object.Object) (found Signer, err error) {
	name, tag := strings.CutPrefix(ref, "refs/tags/")
	if tag && signed.Kind != object.KindTag {
		return found, v.refused(fmt.Sprintf("%s is a lightweight tag, which cannot be signed: make it by git tag -s", name))
	}
	now := time.Now()
	found.Expiring = v.keys.Expiring(now, now.Add(expiresIn))
	by, err := v.keys.Verify(signed, name, now)
	if err != nil && v.WebFlow != nil && !v.Foreign { // GitHub may have another key by now
		reason := err
		if err = v.WebFlow.since(ctx, webFlowPause); err != nil {
			return found, fmt.Errorf("not signed by %s as they were known: %w; then: %w", v.names(), reason, err)
		}
		if v.keys, v.digest, err = v.read(); err != nil {
			return found, fmt.Errorf("read whose signatures count: %w", err)
		}
		by, err = v.keys.Verify(signed, name, now)
	}
	if err != nil {
		refused := v.refused(fmt.Sprintf("not signed by %s: %v", v.names(), err))
		_, refused.UnknownKey = errors.AsType[*signature.UnknownKeyError](err)
		return found, refused
	}
	found.Name, found.Key = by.Name, by.Key
	return found, nil
}

// Verify tells who signed a revision: the commit, or the tag object that its ref leads to. The revision is fetched for
// that, as by Changes, and nothing of it is written anywhere else. With a commit since, it must descend from that one.
// What is not as it must be is an *[UnsignedError].
func (m *Mirror) Verify(ctx context.Context, rev refs.Revision, since string, k KeyFiles, o Options) (Signer, error) {
	v, err := k.verifier(ctx)
	if err != nil {
		return Signer{}, err
	}
	id, ok := object.ParseID(rev.SHA)
	if !ok {
		return Signer{}, fmt.Errorf("verify %q of %s: not a commit id", rev.SHA, m.URL)
	}
	base, _ := object.ParseID(since)
	s, commit, _, err := m.hold(ctx, mirror.Held{Ref: rev.Ref, ID: id}, base, o)
	if err != nil {
		return Signer{}, fmt.Errorf("verify %s of %s: %w", rev.SHA, m.URL, err)
	}
	defer s.Close()
	signed, err := s.Reader().Read(id)
	if err != nil {
		return Signer{}, fmt.Errorf("verify %s of %s: %w", rev.SHA, m.URL, err)
	}
	found, err := v.signer(ctx, rev.Ref, signed)
	found.Commit = commit.String()
	if err != nil || base.IsZero() || commit == base {
		return found, err
	}
	l, err := m.beyond(ctx, commit, base)
	if err != nil {
		return found, fmt.Errorf("find out whether %s of %s descends from %s: %w", rev.SHA, m.URL, since, err)
	}
	if !l.roots[base] {
		return found, v.refused(fmt.Sprintf("signed by %s, but it does not descend from %.7s, which is applied: pin it to run it all the same", found.Name, since))
	}
	return found, nil
}

// SignerOf tells who signed a revision, as Verify does, for a person who wants to know: nothing but the commit or the tag
// is fetched, and nothing of it kept.
func (m *Mirror) SignerOf(ctx context.Context, rev refs.Revision, k KeyFiles) (found Signer, err error) {
	v, err := k.verifier(ctx)
	if err != nil {
		return found, err
	}
	id, ok := object.ParseID(rev.SHA)
	if !ok {
		return found, fmt.Errorf("find out who signed %q: not a commit id", rev.SHA)
	}
	var signed object.Object
	err = m.commits(ctx, remote.FetchRequest{Want: []object.ID{id}, Depth: 1}, func(s *odb.Store) error {
		signed, err = s.Reader().Read(id)
		return err
	})
	if err != nil {
		return found, fmt.Errorf("fetch %s of %s: %w", rev.SHA, m.URL, err)
	}
	return v.signer(ctx, rev.Ref, signed)
}

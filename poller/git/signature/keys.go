package signature

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"golang.org/x/crypto/ssh"

	"github.com/bittrance/kitops/poller/git/object"
)

// Keys are whose signatures count.
type Keys struct {
	ssh []allowed
	pgp openpgp.EntityList
	web map[*openpgp.Entity]bool // those of pgp that are GitHub's own
}

// WebFlow is what the key is called by which GitHub signs what is committed on its web pages.
const WebFlow = "GitHub (web-flow)"

// AddSSH adds those of a file of allowed signers, ssh-keygen(1).
func (k *Keys) AddSSH(file []byte) error {
	all, err := parseAllowed(string(file))
	if err == nil && len(all) == 0 {
		err = errors.New("it names no signer")
	}
	k.ssh = append(k.ssh, all...)
	return err
}

// AddPGP adds public keys of OpenPGP.
func (k *Keys) AddPGP(file []byte) error {
	all, err := parseKeyRing(file)
	if err == nil && len(all) == 0 {
		err = errors.New("it holds no public key")
	}
	k.pgp = append(k.pgp, all...)
	return err
}

// AddWebFlow adds the public keys by which GitHub signs what is committed on its web pages. Whose they are is in no doubt,
// whatever they say.
func (k *Keys) AddWebFlow(file []byte) error {
	before := len(k.pgp)
	err := k.AddPGP(file)
	if k.web == nil {
		k.web = map[*openpgp.Entity]bool{}
	}
	for _, e := range k.pgp[before:] {
		k.web[e] = true
	}
	return err
}

// signerOf is the owner of a key.
func (k *Keys) signerOf(e *openpgp.Entity) Signer {
	return Signer{k.nameOf(e), fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)}
}

// nameOf is the first name that a key has, and its short name.
func (k *Keys) nameOf(e *openpgp.Entity) string {
	if k.web[e] {
		return WebFlow + " " + shortName(e)
	}
	return nameOf(e)
}

// Signer is who has signed something.
type Signer struct {
	Name string // a principal of SSH, or the owner of an OpenPGP key and its short name
	Key  string // its fingerprint
}

// UnknownKeyError says that an OpenPGP key, which is none of those given, has signed.
type UnknownKeyError struct{ ID uint64 }

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("by the OpenPGP key %016X, which is none of the keys given", e.ID)
}

// Verify returns who signed a commit or a tag. A tag must have the name given in itself.
func (k *Keys) Verify(o object.Object, tag string, now time.Time) (Signer, error) {
	s, err := split(o)
	switch {
	case err != nil:
		return Signer{}, err
	case o.Kind == object.KindTag && s.tag != tag:
		return Signer{}, fmt.Errorf("refused: the tag calls itself %q, not %q", s.tag, tag)
	case bytes.HasPrefix(s.signature, []byte(beginSSH)):
		return verifySSH(s, k.ssh)
	case bytes.HasPrefix(s.signature, []byte(beginPGP)):
		return k.verifyPGP(s, now)
	case bytes.HasPrefix(s.signature, []byte(beginX509)):
		return Signer{}, errors.New("its signature is of the kind x509, which is not supported: use SSH or OpenPGP")
	}
	return Signer{}, errors.New("its signature is of no kind that is supported: use SSH or OpenPGP")
}

// Names are whose keys there are: the patterns of allowed signers, and the owners of OpenPGP keys.
func (k *Keys) Names() (all []string) {
	for _, a := range k.ssh {
		all = append(all, a.principals)
	}
	for _, e := range k.pgp {
		all = append(all, k.nameOf(e))
	}
	return all
}

// End is when a key ends.
type End struct {
	Signer
	At time.Time
}

// Ends are the keys that have an end, by that. GitHub's are not among them: they are GitHub's to renew, and it publishes old
// ones, too. What a key may in several lines of a file ends with the last of them.
func (k *Keys) Ends() (all []End) {
	last := map[Signer]time.Time{}
	note := func(key Signer, at time.Time) {
		if known, there := last[key]; !there || at.IsZero() || !known.IsZero() && at.After(known) {
			last[key] = at
		}
	}
	for _, a := range k.ssh {
		note(Signer{a.principals, ssh.FingerprintSHA256(a.key)}, a.before)
	}
	for _, e := range k.pgp {
		if !k.web[e] {
			note(k.signerOf(e), ends(e))
		}
	}
	for key, at := range last {
		if !at.IsZero() {
			all = append(all, End{key, at})
		}
	}
	slices.SortFunc(all, func(a, b End) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key))
	})
	return all
}

const day = "2006-01-02"

// Expiring says of the keys that end until a time when they do.
func (k *Keys) Expiring(now, until time.Time) (all []string) {
	for _, end := range k.Ends() {
		if end.At.Before(until) {
			verb := "expires"
			if end.At.Before(now) {
				verb = "expired"
			}
			all = append(all, fmt.Sprintf("the key of %s %s on %s", end.Name, verb, end.At.Format(day)))
		}
	}
	return all
}

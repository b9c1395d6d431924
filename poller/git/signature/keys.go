package signature

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

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

// nameOf is the first name that a key has, and its short name.
func (k *Keys) nameOf(e *openpgp.Entity) string {
	if k.web[e] {
		return WebFlow + " " + shortName(e)
	}
	return nameOf(e)
}

// Verify returns who signed a commit or a tag. A tag must have the name given in itself.
func (k *Keys) Verify(o object.Object, tag string, now time.Time) (signer string, err error) {
	s, err := split(o)
	switch {
	case err != nil:
		return "", err
	case o.Kind == object.KindTag && s.tag != tag:
		return "", fmt.Errorf("refused: the tag calls itself %q, not %q", s.tag, tag)
	case bytes.HasPrefix(s.signature, []byte(beginSSH)):
		return verifySSH(s, k.ssh)
	case bytes.HasPrefix(s.signature, []byte(beginPGP)):
		return k.verifyPGP(s, now)
	case bytes.HasPrefix(s.signature, []byte(beginX509)):
		return "", errors.New("its signature is of the kind x509, which is not supported: use SSH or OpenPGP")
	}
	return "", errors.New("its signature is of no kind that is supported: use SSH or OpenPGP")
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

// Expiring are the keys that expire until a time, each with its day. GitHub's are not among them.
func (k *Keys) Expiring(now, until time.Time) (all []string) {
	note := func(name string, at time.Time) {
		if !at.IsZero() && at.Before(until) {
			verb := "expires"
			if at.Before(now) {
				verb = "expired"
			}
			all = append(all, fmt.Sprintf("the key of %s %s on %s", name, verb, at.Format("2006-01-02")))
		}
	}
	for _, a := range k.ssh {
		note(a.principals, a.before)
	}
	for _, e := range k.pgp {
		if !k.web[e] { // those are GitHub's to renew, and it publishes old ones, too
			note(nameOf(e), ends(e))
		}
	}
	return all
}

package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// parseKeyRing reads public keys, in one or several blocks of text, or as they are.
func parseKeyRing(data []byte) (openpgp.EntityList, error) {
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return openpgp.ReadKeyRing(bytes.NewReader(data))
	}
	var all openpgp.EntityList
	for _, text := range bytes.SplitAfter(data, []byte("-----END PGP PUBLIC KEY BLOCK-----")) {
		block, err := armor.Decode(bytes.NewReader(text))
		if errors.Is(err, io.EOF) && len(all) > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		if block.Type != openpgp.PublicKeyType {
			return nil, fmt.Errorf("it holds a %s, not public keys", block.Type)
		}
		keys, err := openpgp.ReadKeyRing(block.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
	return all, nil
}

// verifyPGP finds out which of the keys has signed.
func (k *Keys) verifyPGP(s signed, now time.Time) (signer string, err error) {
	if err := single(s.signature, beginPGP); err != nil {
		return "", err
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	by, err := openpgp.CheckArmoredDetachedSignature(k.pgp, bytes.NewReader(s.payload), bytes.NewReader(s.signature), config)
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return "", errors.New("by an OpenPGP key that is none of the keys given")
	case errors.Is(err, pgperrors.ErrKeyExpired) && by != nil:
		return "", fmt.Errorf("the key of %s has expired", k.nameOf(by))
	case err != nil:
		return "", fmt.Errorf("its OpenPGP signature does not hold: %s", strings.TrimPrefix(err.Error(), "openpgp: "))
	}
	return k.nameOf(by), nil
}

// nameOf is the first name that a key has, and its short name.
func nameOf(e *openpgp.Entity) string {
	if identity := e.PrimaryIdentity(); identity != nil {
		return identity.Name + " " + shortName(e)
	}
	return shortName(e)
}

func shortName(e *openpgp.Entity) string { return fmt.Sprintf("%016X", e.PrimaryKey.KeyId) }

// ends is when a key expires; zero: never.
func ends(e *openpgp.Entity) time.Time {
	identity := e.PrimaryIdentity()
	if identity == nil || identity.SelfSignature == nil || identity.SelfSignature.KeyLifetimeSecs == nil || *identity.SelfSignature.KeyLifetimeSecs == 0 {
		return time.Time{}
	}
	return e.PrimaryKey.CreationTime.Add(time.Duration(*identity.SelfSignature.KeyLifetimeSecs) * time.Second)
}

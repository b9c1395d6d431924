package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
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
func (k *Keys) verifyPGP(s signed, now time.Time) (Signer, error) {
	data, issuer, err := parseSignature(s.signature)
	if err != nil {
		return Signer{}, err
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	by, err := openpgp.CheckDetachedSignature(k.pgp, bytes.NewReader(s.payload), bytes.NewReader(data), config)
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return Signer{}, &UnknownKeyError{issuer}
	case errors.Is(err, pgperrors.ErrKeyExpired) && by != nil:
		if end := endOf(by, issuer); !end.IsZero() && end.Before(now) {
			return Signer{}, fmt.Errorf("the key of %s expired on %s: have it extended, and put it into the file anew", k.nameOf(by), end.Format(day))
		}
		return Signer{}, fmt.Errorf("the key of %s is not valid now", k.nameOf(by))
	case err != nil:
		return Signer{}, fmt.Errorf("its OpenPGP signature does not hold: %s", strings.TrimPrefix(err.Error(), "openpgp: "))
	}
	return k.signerOf(by), nil
}

// parseSignature takes the only signature out of its text, and tells whose it says that it is.
func parseSignature(text []byte) (data []byte, issuer uint64, err error) {
	if err := single(text, beginPGP); err != nil {
		return nil, 0, err
	}
	block, err := armor.Decode(bytes.NewReader(text))
	if err == nil {
		data, err = io.ReadAll(block.Body)
	}
	packets := packet.NewReader(bytes.NewReader(data))
	for n := 0; err == nil; n++ {
		var next packet.Packet
		if next, err = packets.Next(); errors.Is(err, io.EOF) && n > 0 {
			return data, issuer, nil
		}
		if s, is := next.(*packet.Signature); is && s.IssuerKeyId != nil {
			issuer = *s.IssuerKeyId
		}
		if n > 0 {
			return nil, 0, errSeveral
		}
	}
	return nil, 0, fmt.Errorf("its OpenPGP signature is damaged: %w", err)
}

// nameOf is the first name that a key has, and its short name.
func nameOf(e *openpgp.Entity) string {
	if identity := e.PrimaryIdentity(); identity != nil {
		return identity.Name + " " + shortName(e)
	}
	return shortName(e)
}

func shortName(e *openpgp.Entity) string { return fmt.Sprintf("%016X", e.PrimaryKey.KeyId) }

// ends is when the last key of an owner ends that may sign; zero: never.
func ends(e *openpgp.Entity) (last time.Time) {
	ids := []uint64{e.PrimaryKey.KeyId}
	for _, sub := range e.Subkeys {
		ids = append(ids, sub.PublicKey.KeyId)
	}
	ids = slices.DeleteFunc(ids, func(id uint64) bool {
		return len(openpgp.EntityList{e}.KeysByIdUsage(id, packet.KeyFlagSign)) == 0
	})
	for i, id := range ids {
		switch end := endOf(e, id); {
		case end.IsZero():
			return end
		case i == 0 || end.After(last):
			last = end
		}
	}
	return last
}

// endOf is when a key of an owner ends, which is at the end of the first one at the latest; zero: never.
func endOf(e *openpgp.Entity, id uint64) (first time.Time) {
	self, _ := e.PrimarySelfSignature()
	note := func(key *packet.PublicKey, self *packet.Signature) {
		if self == nil || self.KeyLifetimeSecs == nil || *self.KeyLifetimeSecs == 0 {
			return
		}
		if end := key.CreationTime.Add(time.Duration(*self.KeyLifetimeSecs) * time.Second); first.IsZero() || end.Before(first) {
			first = end
		}
	}
	note(e.PrimaryKey, self)
	for _, sub := range e.Subkeys {
		if sub.PublicKey.KeyId == id {
			note(sub.PublicKey, sub.Sig)
		}
	}
	return first
}

package signature

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

const namespace = "git"

// verifySSH finds out which of the allowed signers has signed.
func verifySSH(s signed, all []allowed) (Signer, error) {
	if err := single(s.signature, beginSSH); err != nil {
		return Signer{}, err
	}
	sig, err := sshsig.Unarmor(s.signature)
	if err != nil {
		return Signer{}, fmt.Errorf("its SSH signature is damaged: %w", err)
	}
	if plain(sig.PublicKey).Type() == ssh.KeyAlgoRSA && sig.Signature.Format != ssh.KeyAlgoRSASHA256 && sig.Signature.Format != ssh.KeyAlgoRSASHA512 {
		return Signer{}, fmt.Errorf("its SSH signature is of the kind %s, which is not safe any more", sig.Signature.Format)
	}
	if err := sshsig.Verify(bytes.NewReader(s.payload), sig, sig.PublicKey, sig.HashAlgorithm, namespace); err != nil {
		return Signer{}, fmt.Errorf("its SSH signature is wrong: %w", err)
	}
	key := ssh.FingerprintSHA256(plain(sig.PublicKey))
	by := "by the key " + key
	err = errors.New(by + ", which is none of the allowed signers")
	for _, a := range all {
		name, refused := a.signer(sig.PublicKey, s.by)
		switch {
		case name != "" && refused == nil:
			return Signer{name, key}, nil
		case refused != nil:
			err = fmt.Errorf("%s: %w", by, refused)
		}
	}
	return Signer{}, err
}

// plain is a key without what certifies it.
func plain(key ssh.PublicKey) ssh.PublicKey {
	if c, is := key.(*ssh.Certificate); is {
		return c.Key
	}
	return key
}

// signer is whom a key is of by this line, "" for nobody. The error says why it does not count.
func (a allowed) signer(key ssh.PublicKey, at time.Time) (string, error) {
	cert, certified := key.(*ssh.Certificate)
	signing := key
	if a.authority != certified {
		return "", nil
	}
	if certified {
		signing = cert.SignatureKey
	}
	if !bytes.Equal(a.key.Marshal(), signing.Marshal()) {
		return "", nil
	}
	name := a.principals
	if certified {
		i := slices.IndexFunc(cert.ValidPrincipals, func(p string) bool { return matches(a.principals, p) })
		if i < 0 || cert.CertType != ssh.UserCert {
			return "", fmt.Errorf("its certificate is of no user among %s", a.principals)
		}
		name = cert.ValidPrincipals[i]
		if err := (&ssh.CertChecker{Clock: func() time.Time { return at }}).CheckCert(name, cert); err != nil {
			return "", fmt.Errorf("its certificate does not hold: %s", strings.TrimPrefix(err.Error(), "ssh: "))
		}
	}
	switch {
	case a.namespaces != "" && !matches(a.namespaces, namespace):
		return "", fmt.Errorf("the key of %s is not for %s", name, namespace)
	case at.IsZero() && (!a.after.IsZero() || !a.before.IsZero()):
		return "", fmt.Errorf("the key of %s is limited in time, and no time is told", name)
	case at.Before(a.after):
		return "", fmt.Errorf("the key of %s is valid from %s", name, a.after.Format(day))
	case !a.before.IsZero() && at.After(a.before):
		return "", fmt.Errorf("the key of %s expired on %s", name, a.before.Format(day))
	}
	return name, nil
}

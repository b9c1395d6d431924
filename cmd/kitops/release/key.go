package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Key is a public key that releases are signed with.
type Key struct {
	id     [8]byte // tells which key a signature wants; means nothing else
	public ed25519.PublicKey
}

// algorithm is minisign's name for Ed25519 over the text itself.
const algorithm = "Ed"

//go:embed keys.txt
var pinned string

// Pinned are the keys that this source knows, one or two.
func Pinned() ([]Key, error) { return ParseKeys(pinned) }

// KeyOf is the public half of a private key. Its id follows from the key.
func KeyOf(private ed25519.PrivateKey) Key {
	k := Key{public: private.Public().(ed25519.PublicKey)}
	sum := sha256.Sum256(k.public)
	copy(k.id[:], sum[:])
	return k
}

// String is the key as minisign takes it by -P.
func (k Key) String() string {
	return base64.StdEncoding.EncodeToString(join([]byte(algorithm), k.id[:], k.public))
}

// ParseKeys reads keys, one a line or between commas. Lines that begin with #
// are comments.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	for line := range strings.SplitSeq(uncommented(text), ",") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(data) != len(algorithm)+8+ed25519.PublicKeySize || string(data[:2]) != algorithm {
			return nil, fmt.Errorf("%q is no public key as minisign writes it", line)
		}
		k := Key{public: bytes.Clone(data[10:])}
		copy(k.id[:], data[2:10])
		keys = append(keys, k)
	}
	return keys, nil
}

// uncommented has a comma at the end of each line.
func uncommented(text string) string {
	var keys strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			keys.WriteString(line + ",")
		}
	}
	return keys.String()
}

// maxComment bounds the comments of a signature.
const maxComment = 1 << 10

// Sign returns the content of the file with the signature of a text. The
// comment is signed, too; it is one line.
func Sign(text []byte, private ed25519.PrivateKey, comment string) ([]byte, error) {
	if strings.ContainsAny(comment, "\r\n") || len(comment) > maxComment {
		return nil, errors.New("the comment of a signature is one line of 1,024 bytes at most")
	}
	k, signature := KeyOf(private), ed25519.Sign(private, text)
	global := ed25519.Sign(private, join(signature, []byte(comment)))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, "untrusted comment: signature of a kitops release\n%s\ntrusted comment: %s\n%s\n",
		encode(join([]byte(algorithm), k.id[:], signature)), comment, encode(global)), nil
}

// errSignature says no more: whoever made it knows why.
var errSignature = errors.New("it is not signed by a key that this kitops knows")

// check tells whether one of the keys has signed the text.
func check(text, signature []byte, keys []Key) error {
	lines := strings.Split(strings.ReplaceAll(string(signature), "\r\n", "\n"), "\n")
	if len(lines) < 4 || len(signature) > 4*maxComment {
		return errors.New("the signature is not one of minisign")
	}
	comment, trusted := strings.CutPrefix(lines[2], "trusted comment: ")
	own, err := base64.StdEncoding.DecodeString(lines[1])
	global, err2 := base64.StdEncoding.DecodeString(lines[3])
	if err != nil || err2 != nil || !trusted || len(own) != 10+ed25519.SignatureSize || string(own[:2]) != algorithm {
		return errors.New("the signature is not one of minisign, made without -H")
	}
	for _, k := range keys {
		if !bytes.Equal(k.id[:], own[2:10]) {
			continue
		}
		if ed25519.Verify(k.public, text, own[10:]) && ed25519.Verify(k.public, join(own[10:], []byte(comment)), global) {
			return nil
		}
	}
	return errSignature
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

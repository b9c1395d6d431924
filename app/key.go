package app

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

const keyHint = "the App's key is the .pem file that its settings page hands out under \"Private keys\""

// ParseKey reads an App's private key: PEM of PKCS#1 or PKCS#8, also with \n
// written out or in base64. Its errors say what was found instead and repeat
// nothing of it.
func ParseKey(data []byte) (*rsa.PrivateKey, error) {
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	text = bytes.Trim(text, " \t\r\n\"'")
	if len(text) == 0 {
		return nil, errors.New("the private key is empty")
	}
	if bytes.Contains(text, []byte(`\n`)) {
		text = []byte(strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(string(text)))
	}
	if !bytes.Contains(text, []byte("-----BEGIN")) {
		text = unwrapBase64(text)
	}
	return parsePEM(text)
}

// unwrapBase64 returns text as it is when there is no PEM in it.
func unwrapBase64(text []byte) []byte {
	joined := strings.TrimRight(strings.Join(strings.Fields(string(text)), ""), "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.DecodeString(joined); err == nil && bytes.Contains(decoded, []byte("-----BEGIN")) {
			return decoded
		}
	}
	return text
}

// parsePEM takes the first private key; what stands before it, like a certificate, is told only when there is none.
func parsePEM(text []byte) (*rsa.PrivateKey, error) {
	var first error
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := parseBlock(block)
		if err == nil {
			return key, nil
		}
		if first == nil {
			first = err
		}
	}
	switch {
	case first != nil:
		return nil, first
	case bytes.Contains(text, []byte("-----BEGIN")):
		return nil, errors.New("the private key is truncated or damaged: copy the file whole, from BEGIN to END")
	case bytes.HasPrefix(text, []byte("ssh-")):
		return nil, errors.New("this is a public ssh key: " + keyHint)
	}
	return nil, errors.New("this is no private key in PEM: " + keyHint)
}

func parseBlock(block *pem.Block) (*rsa.PrivateKey, error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, errors.New("the private key is encrypted: decrypt it first (openssl rsa -in KEY -out NEW)")
	case block.Type == "RSA PRIVATE KEY":
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("the private key is truncated or damaged (no valid PKCS#1): copy the file whole, from BEGIN to END")
		}
		return key, nil
	case block.Type == "PRIVATE KEY":
		return parsePKCS8(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		return nil, errors.New("the private key is not RSA: " + keyHint)
	case block.Type == "OPENSSH PRIVATE KEY":
		return nil, errors.New("the private key is in OpenSSH's own format: " + keyHint)
	case strings.HasSuffix(block.Type, "PUBLIC KEY"):
		return nil, errors.New("this is a public key: " + keyHint)
	case strings.HasSuffix(block.Type, "CERTIFICATE"):
		return nil, errors.New("this is a certificate, not a private key: " + keyHint)
	}
	return nil, fmt.Errorf("this is a %.40q, not a private key: %s", block.Type, keyHint)
}

func parsePKCS8(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("the private key is truncated or damaged (no valid PKCS#8): copy the file whole, from BEGIN to END")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not RSA: " + keyHint)
	}
	return key, nil
}

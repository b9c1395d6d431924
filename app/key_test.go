package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller/secret"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// keys makes an RSA key in both forms, and one of another kind.
func keys(tb testing.TB) (key *rsa.PrivateKey, pkcs1, pkcs8, ec, ec8 string) {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der := func(der []byte, err error) []byte {
		if err != nil {
			tb.Fatal(err)
		}
		return der
	}
	return key, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		block("PRIVATE KEY", der(x509.MarshalPKCS8PrivateKey(key))),
		block("EC PRIVATE KEY", der(x509.MarshalECPrivateKey(curve))),
		block("PRIVATE KEY", der(x509.MarshalPKCS8PrivateKey(curve)))
}

func TestParseKey(t *testing.T) {
	key, pkcs1, pkcs8, ec, ec8 := keys(t)
	b64 := base64.StdEncoding.EncodeToString([]byte(pkcs1))
	public := block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))
	good := map[string]string{
		"PKCS#1": pkcs1, "PKCS#8": pkcs8,
		"CRLF":          strings.ReplaceAll(pkcs1, "\n", "\r\n"),
		"spaces around": "\n  " + pkcs1 + "\n\n",
		"byte order":    "\xef\xbb\xbf" + pkcs1,
		"escaped":       strings.ReplaceAll(pkcs1, "\n", `\n`),
		"quoted":        `"` + strings.ReplaceAll(pkcs8, "\n", `\r\n`) + `"`,
		"base64":        b64,
		"base64 lines":  b64[:100] + "\n" + b64[100:] + "\n",
		"base64 url":    base64.RawURLEncoding.EncodeToString([]byte(pkcs8)),
		"certificate":   block("CERTIFICATE", []byte("x")) + pkcs1,
	}
	for name, text := range good {
		if got, err := app.ParseKey([]byte(text)); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := map[string][2]string{
		"empty":              {" \n", "empty"},
		"words":              {"hello", "no private key in PEM"},
		"cut before END":     {pkcs1[:len(pkcs1)/2], "truncated"},
		"cut inside":         {pkcs1[:200] + "\n-----END RSA PRIVATE KEY-----\n", "truncated"},
		"cut inside PKCS#8":  {pkcs8[:200] + "\n-----END PRIVATE KEY-----\n", "truncated"},
		"encrypted PKCS#8":   {block("ENCRYPTED PRIVATE KEY", []byte("x")), "encrypted"},
		"encrypted PKCS#1":   {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "encrypted"},
		"public key":         {public, "public key"},
		"ssh public key":     {"ssh-rsa AAAAB3Nza mona@example.com", "public ssh key"},
		"certificate":        {block("CERTIFICATE", []byte("x")), "certificate"},
		"OpenSSH":            {block("OPENSSH PRIVATE KEY", []byte("x")), "OpenSSH"},
		"EC":                 {ec, "not RSA"},
		"EC in PKCS#8":       {ec8, "not RSA"},
		"something else":     {block("DH PARAMETERS", []byte("x")), "DH PARAMETERS"},
		"base64 of no key":   {base64.StdEncoding.EncodeToString([]byte("hello world")), "no private key in PEM"},
		"base64 of a public": {base64.StdEncoding.EncodeToString([]byte(public)), "public key"},
	}
	for name, c := range bad {
		_, err := app.ParseKey([]byte(c[0]))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: got %v, want %q", name, err, c[1])
		}
	}
}

func FuzzParseKey(f *testing.F) {
	_, pkcs1, pkcs8, ec, _ := keys(f)
	for _, seed := range []string{pkcs1, pkcs8, ec, `a\nb`, base64.StdEncoding.EncodeToString([]byte(pkcs1))} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := app.ParseKey(data)
		if (key == nil) == (err == nil) {
			t.Errorf("got %v and %v", key, err)
		}
	})
}

func TestKeysDoNotShow(t *testing.T) {
	_, pkcs1, _, _, _ := keys(t)
	k := app.Key{Literal: secret.New(pkcs1)}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, struct{ Key app.Key }{k}); strings.Contains(s, "RSA") {
			t.Errorf("%s shows the key", format)
		}
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	_, pkcs1, _, _, _ := keys(t)
	missing := filepath.Join(t.TempDir(), "none.pem")
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte(pkcs1[:300]), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		o     app.Options
		words string
	}{
		"no ID":        {app.Options{Key: app.Key{Literal: secret.New(pkcs1)}}, "no GitHub App named"},
		"no key":       {app.Options{ID: "1"}, "no private key"},
		"missing file": {app.Options{ID: "1", Key: app.Key{File: missing}}, missing},
		"broken file":  {app.Options{ID: "1", Key: app.Key{File: broken}}, broken + ": the private key is truncated"},
		"plain http":   {app.Options{ID: "1", Key: app.Key{Literal: secret.New(pkcs1)}, APIURL: "http://github.example/api/v3"}, "not https"},
	}
	for name, c := range cases {
		if _, err := app.New(c.o); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: got %v, want %q", name, err, c.words)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, n := range []int{36, 516} {
		token := "ghs_" + strings.Repeat("a.B", n/3)
		if got := app.Redact("token " + token + " end"); got != "token [redacted] end" {
			t.Errorf("got %q", got)
		}
	}
}

// Package settingstest has task files for tests.
package settingstest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// File is a task file with what every one needs; the name comes at line 2, git
// at line 4, extra keys of the task at line 6.
func File(gitKeys, taskKeys, actionKeys string) string {
	return fmt.Sprintf(`tasks:
  - name: shop
    git:
      url: https://example.com/shop
      %s
    %s
    actions:
      - run: make
        %s
`, gitKeys, taskKeys, actionKeys)
}

// At writes a task file into a directory of its own and returns its path.
func At(tb testing.TB, source string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "tasks.yaml")
	Write(tb, path, source)
	return path
}

// HubAt is At for a File with a repository on github.com, with a key app.pem
// beside it.
func HubAt(tb testing.TB, taskKeys, actionKeys string) string {
	tb.Helper()
	path := At(tb, strings.Replace(File("", taskKeys, actionKeys), "https://example.com/shop", "https://github.com/acme/shop", 1))
	Write(tb, filepath.Join(filepath.Dir(path), "app.pem"), AppKey(tb))
	return path
}

// Write makes a file.
func Write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// AppKey is a private key such as an App has, the same in all tests of a
// package.
func AppKey(tb testing.TB) string {
	tb.Helper()
	text, err := appKey()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

//nolint:gochecknoglobals // making a key takes long, and no test changes it
var appKey = sync.OnceValues(func() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), nil
})

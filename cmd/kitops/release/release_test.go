package release_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/release"
)

func private(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func signed(tb testing.TB, text string, key ed25519.PrivateKey) []byte {
	tb.Helper()
	signature, err := release.Sign([]byte(text), key, "kitops")
	if err != nil {
		tb.Fatal(err)
	}
	return signature
}

func line(name string) string { return fmt.Sprintf("%064x  %s\n", len(name), name) }

var now, next = release.KeyOf(private(1)), release.KeyOf(private(2))

func TestSignedReleaseIsRead(t *testing.T) {
	t.Parallel()
	text := line("kitops_0.2.0_linux_amd64.tar.gz") + line("kitops_0.2.0_linux_armv7.tar.gz") + line("kitops_0.2.0_windows_arm64.zip") + line("kitops_0.2.0_amd64.deb")
	for _, key := range []byte{1, 2} { // of two keys either will do, so one can be lost
		r, err := release.Verify([]byte(text), signed(t, text, private(key)), []release.Key{now, next})
		if err != nil {
			t.Fatal(err)
		}
		for platform, want := range map[string]string{
			release.Platform("linux", "amd64"):   "kitops_0.2.0_linux_amd64.tar.gz",
			release.Platform("linux", "arm"):     "kitops_0.2.0_linux_armv7.tar.gz",
			release.Platform("windows", "arm64"): "kitops_0.2.0_windows_arm64.zip",
		} {
			name, sum, err := r.Archive(platform)
			if err != nil || name != want || int(sum[31]) != len(want) || r.Version != "0.2.0" {
				t.Errorf("%s: %q %x %v of %s", platform, name, sum, err, r.Version)
			}
		}
		if _, _, err := r.Archive("plan9_mips"); err == nil || !strings.Contains(err.Error(), "0.2.0 is not released for plan9_mips") {
			t.Errorf("error %v", err)
		}
	}
}

func TestRefusedReleases(t *testing.T) {
	t.Parallel()
	good := line("kitops_0.2.0_linux_amd64.tar.gz")
	signature := signed(t, good, private(1))
	lines := strings.Split(string(signature), "\n")
	changed := func(i int, line string) []byte {
		all := append([]string{}, lines...)
		all[i] = line
		return []byte(strings.Join(all, "\n"))
	}
	hashed, _ := base64.StdEncoding.DecodeString(lines[1])
	hashed[1] = 'D'
	keys := []release.Key{now, next}
	for name, c := range map[string]struct {
		text      string
		signature []byte
		keys      []release.Key
		want      string
	}{
		"no keys":         {good, signature, nil, "built without keys"},
		"another text":    {good + good, signature, keys, "not signed by a key"},
		"another key":     {good, signed(t, good, private(3)), keys, "not signed by a key"},
		"rotated away":    {good, signature, []release.Key{next}, "not signed by a key"},
		"another comment": {good, changed(2, "trusted comment: kitops 9"), keys, "not signed by a key"},
		"no comment":      {good, changed(2, "kitops"), keys, "not one of minisign"},
		"hashed":          {good, changed(1, base64.StdEncoding.EncodeToString(hashed)), keys, "without -H"},
		"no signature":    {good, nil, keys, "not one of minisign"},
		"two versions":    {good + line("kitops_0.1.0_linux_arm64.tar.gz"), nil, keys, "of two versions"},
		"no version":      {line("kitops_02.0_linux_arm64.tar.gz"), nil, keys, "has no version"},
		"no archive":      {line("kitops_0.2.0_amd64.deb"), nil, keys, "names no archive"},
		"twice":           {good + good, nil, keys, "twice"},
		"a path":          {line("../kitops_0.2.0_linux_amd64.tar.gz"), nil, keys, "no line of sha256sum"},
		"no sum":          {"00  kitops_0.2.0_linux_amd64.tar.gz\n", nil, keys, "no line of sha256sum"},
	} {
		if c.signature == nil && name != "no signature" {
			c.signature = signed(t, c.text, private(1))
		}
		if _, err := release.Verify([]byte(c.text), c.signature, c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestKeysAreRead(t *testing.T) {
	t.Parallel()
	if _, err := release.Pinned(); err != nil {
		t.Error(err)
	}
	keys, err := release.ParseKeys("# a comment\n" + now.String() + "," + next.String() + "\n\n")
	if err != nil || len(keys) != 2 || keys[0].String() != now.String() || keys[1].String() != next.String() {
		t.Errorf("%v, %v", keys, err)
	}
	for _, text := range []string{"x", "RWQ=", strings.Replace(now.String(), "RW", "XX", 1)} {
		if _, err := release.ParseKeys(text); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	var tarred, zipped, empty bytes.Buffer
	g := gzip.NewWriter(&tarred)
	w := tar.NewWriter(g)
	for _, name := range []string{"kitops_0.2.0/LICENSE", "kitops_0.2.0/kitops"} {
		_ = w.WriteHeader(&tar.Header{Name: name, Size: int64(len(name)), Mode: 0o755})
		_, _ = w.Write([]byte(name))
	}
	_, _ = w.Close(), g.Close()
	z := zip.NewWriter(&zipped)
	f, _ := z.Create("kitops.exe")
	_, _ = f.Write([]byte("kitops.exe"))
	_ = z.Close()
	_ = zip.NewWriter(&empty).Close()
	unpack := func(content []byte, sum [32]byte) (string, error) {
		path := filepath.Join(t.TempDir(), "archive")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var out bytes.Buffer
		err = release.Unpack(file, sum, &out)
		return out.String(), err
	}
	for want, content := range map[string][]byte{"kitops_0.2.0/kitops": tarred.Bytes(), "kitops.exe": zipped.Bytes()} {
		if got, err := unpack(content, sha256.Sum256(content)); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := unpack(content, sha256.Sum256(nil)); err == nil || got != "" {
			t.Errorf("another archive: %q, %v", got, err)
		}
		if _, err := unpack(content[:20], sha256.Sum256(content[:20])); err == nil {
			t.Error("an archive that is cut off is unpacked")
		}
	}
	if _, err := unpack(empty.Bytes(), sha256.Sum256(empty.Bytes())); err == nil || !strings.Contains(err.Error(), "no kitops in it") {
		t.Errorf("error %v", err)
	}
}

func TestNewer(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"0.10.0", "v0.9.0"}, {"v1.0.0", "1.0.0-rc.1"}, {"0.1.0", "devel"}, {"0.1.0", ""}, {"0.1.0", "v0.1.0-3-gabcdef"}} {
		if !release.Newer(c[0], c[1]) || release.Newer(c[1], c[0]) {
			t.Errorf("%q is not newer than %q", c[0], c[1])
		}
	}
	if release.Newer("0.1.0", "v0.1.0") {
		t.Error("a version is newer than itself")
	}
}

func FuzzVerify(f *testing.F) {
	text := line("kitops_0.2.0_linux_amd64.tar.gz")
	f.Add([]byte(text), signed(f, text, private(1)))
	f.Fuzz(func(t *testing.T, text, signature []byte) {
		if r, err := release.Verify(text, signature, []release.Key{now}); (err == nil) != (r != nil) {
			t.Errorf("%v, %v", r, err)
		}
		// What is signed by the owner of a key may be anything, too.
		own, err := release.Sign(text, private(1), "kitops")
		if err != nil {
			t.Fatal(err)
		}
		if r, err := release.Verify(text, own, []release.Key{now}); err == nil && r.Version == "" {
			t.Error("a release without a version")
		}
	})
}

package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/mod/semver"
)

// The files of every release.
const (
	Checksums = "checksums.txt"
	Signature = Checksums + ".minisig"
)

// What is read at most of the files.
const (
	MaxText    = 1 << 20
	MaxArchive = 256 << 20
	MaxProgram = 512 << 20
)

// Release is what a signed text says.
type Release struct {
	Version string // 0.2.0, without a v
	sums    map[string][sha256.Size]byte
}

// archiveName has the version and the platform.
var archiveName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^kitops_([0-9][0-9A-Za-z.+-]*)_([a-z0-9]+_[a-z0-9]+)\.(?:tar\.gz|zip)$`)
})

// ErrNoKeys says that no release can be verified.
var ErrNoKeys = errors.New("this kitops was built without keys, and can verify no release: install one by hand, as docs/deploy.md says")

// Verify reads a text that one of the keys has signed. All archives in it are
// of one version.
func Verify(text, signature []byte, keys []Key) (*Release, error) {
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	if err := check(text, signature, keys); err != nil {
		return nil, fmt.Errorf("%s: %w", Checksums, err)
	}
	r, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Checksums, err)
	}
	return r, nil
}

func read(text []byte) (*Release, error) {
	r := &Release{sums: map[string][sha256.Size]byte{}}
	for line := range bytes.Lines(text) {
		sum, name, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), "  ")
		digest, err := hex.DecodeString(sum)
		if !ok || err != nil || len(digest) != sha256.Size || name == "" || path.Base(name) != name || strings.ContainsRune(name, '\\') {
			return nil, fmt.Errorf("%.100q is no line of sha256sum", line)
		}
		if _, twice := r.sums[name]; twice {
			return nil, fmt.Errorf("%q is in it twice", name)
		}
		r.sums[name] = [sha256.Size]byte(digest)
		found := archiveName().FindStringSubmatch(name)
		if found == nil {
			continue // a package, an SBOM
		}
		if !semver.IsValid("v" + found[1]) {
			return nil, fmt.Errorf("%q has no version", name)
		}
		if r.Version == "" {
			r.Version = found[1]
		}
		if r.Version != found[1] {
			return nil, fmt.Errorf("it is of two versions, %s and %s", r.Version, found[1])
		}
	}
	if r.Version == "" {
		return nil, errors.New("it names no archive")
	}
	return r, nil
}

// Platform is how the files of a release call one, such as linux_amd64. Those
// for 32-bit ARM are built with GOARM=7.
func Platform(goos, goarch string) string {
	if goarch == "arm" {
		goarch = "armv7"
	}
	return goos + "_" + goarch
}

// Archive names the archive for a platform, and says what its SHA-256 must be.
func (r *Release) Archive(platform string) (name string, sum [sha256.Size]byte, err error) {
	for name, sum := range r.sums {
		if found := archiveName().FindStringSubmatch(name); found != nil && found[2] == platform {
			return name, sum, nil
		}
	}
	return "", sum, fmt.Errorf("kitops %s is not released for %s", r.Version, platform)
}

// Newer tells whether a version is later than another, both without a v or with
// one. What is no version, such as a development build, is older than any.
func Newer(a, b string) bool { return semver.Compare(canonical(a), canonical(b)) > 0 }

// canonical has the v that semver demands.
func canonical(version string) string { return "v" + strings.TrimPrefix(version, "v") }

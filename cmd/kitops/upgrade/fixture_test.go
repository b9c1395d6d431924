package upgrade

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/release"
)

const platform = "linux_amd64"

func private(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// known are the keys of now and next.
func known() []release.Key {
	return []release.Key{release.KeyOf(private(1)), release.KeyOf(private(2))}
}

// script is a program that is of a version.
func script(version string) string {
	return fmt.Sprintf("#!/bin/sh\necho kitops v%s '(go1 linux/amd64)'\n", version)
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// publish writes the files of a release into a folder.
func publish(t *testing.T, dir, version, program string, key ed25519.PrivateKey) {
	t.Helper()
	var archive bytes.Buffer
	g := gzip.NewWriter(&archive)
	w := tar.NewWriter(g)
	err := w.WriteHeader(&tar.Header{Name: "kitops", Size: int64(len(program)), Mode: 0o755})
	if _, err2 := w.Write([]byte(program)); err != nil || err2 != nil || w.Close() != nil || g.Close() != nil {
		t.Fatal(err, err2)
	}
	name := "kitops_" + version + "_" + platform + ".tar.gz"
	text := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(archive.Bytes()), name)
	signature, err := release.Sign(text, key, "kitops "+version)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{name: archive.Bytes(), release.Checksums: text, release.Signature: signature} {
		put(t, filepath.Join(dir, name), string(data))
	}
}

// machine has a program, a state folder and a folder with a release.
type machine struct {
	Upgrade
	t            *testing.T
	dir, release string
	said         bytes.Buffer
}

func newMachine(t *testing.T, current string) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t: t, dir: dir, release: filepath.Join(dir, "release")}
	for _, name := range []string{"bin", "state", "release"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m.Upgrade = Upgrade{
		From: m.release, Current: current, Program: filepath.Join(dir, "bin", "kitops"), Platform: platform, Keys: known(),
		Memory: Memory(filepath.Join(dir, "state")), Scratch: filepath.Join(dir, "state"), Out: &m.said,
	}
	put(t, m.Program, script(current))
	return m
}

// files lists the names in a folder of the machine.
func (m *machine) files(t *testing.T, name string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(m.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return fmt.Sprint(all)
}

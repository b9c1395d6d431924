package upgrade

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mount mounts a file system of this size at a folder of the machine; false where the tests may not.
func (m *machine) mount(name, size string) bool {
	at := filepath.Join(m.dir, name)
	err := syscall.Mount("tmpfs", at, "tmpfs", 0, "size="+size)
	if errors.Is(err, syscall.EPERM) {
		return false
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) })
	return true
}

// large is a program that no packer makes small.
func large(version string) string {
	noise := make([]byte, 200<<10)
	_, _ = rand.Read(noise)
	return script(version) + "exit\n" + hex.EncodeToString(noise)
}

// TestUpgradeWithoutRoom, wherever that is: the reason is said, nothing is changed, and with room it goes well.
func TestUpgradeWithoutRoom(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(m *machine) (room func()){
		"for the program": func(m *machine) func() {
			if !m.mount("bin", "64k") {
				return nil
			}
			put(m.t, m.Program, script("0.1.0"))
			return func() { m.remount("bin") }
		},
		"for the archive": func(m *machine) func() {
			if !m.mount("state", "64k") {
				return nil
			}
			return func() { m.remount("state") }
		},
		"for the record": func(m *machine) func() {
			if !m.mount("state", "64k") {
				return nil
			}
			m.Scratch = m.release
			ballast := filepath.Join(m.dir, "state", "ballast")
			_ = os.WriteFile(ballast, make([]byte, 1<<20), 0o600) // as much as there is room for
			return func() { _ = os.Remove(ballast) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "0.1.0")
			program := large("0.2.0")
			publish(t, m.release, "0.2.0", program, private(1))
			room := prepare(m)
			if room == nil {
				return // only root can mount
			}
			released := m.files(t, "release")
			before := m.files(t, "state")
			if err := m.Run(t.Context()); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), m.dir) {
				t.Errorf("%v, which says neither what nor where", err)
			}
			if content(t, m.Program) != script("0.1.0") || m.files(t, "bin") != "[kitops]" || m.files(t, "state") != before || m.files(t, "release") != released {
				t.Errorf("left: %s %s %s", m.files(t, "bin"), m.files(t, "state"), m.files(t, "release"))
			}
			room()
			if err := m.Run(t.Context()); err != nil || content(t, m.Program) != program {
				t.Errorf("with room: %v", err)
			}
		})
	}
}

func (m *machine) remount(name string) {
	if err := syscall.Mount("tmpfs", filepath.Join(m.dir, name), "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		m.t.Error(err)
	}
}

// TestUpgradeOnAnotherMount has the program, the downloads and the release on three file systems.
func TestUpgradeOnAnotherMount(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	if !m.mount("bin", "8m") || !m.mount("state", "8m") {
		return // only root can mount
	}
	put(t, m.Program, script("0.1.0"))
	publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
	if err := m.Run(t.Context()); err != nil || content(t, m.Program) != script("0.2.0") || content(t, m.Program+".old") != script("0.1.0") {
		t.Errorf("%v, %s", err, m.files(t, "bin"))
	}
}

// TestUpgradeOfAMountedFile, which no rename replaces: it stays what it is, and nothing says that it was upgraded.
func TestUpgradeOfAMountedFile(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	original := filepath.Join(m.dir, "kitops")
	put(t, original, script("0.1.0"))
	if err := syscall.Mount(original, m.Program, "", syscall.MS_BIND, ""); errors.Is(err, syscall.EPERM) {
		return // only root can mount
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(m.Program, syscall.MNT_DETACH) })
	publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
	err := m.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "replace "+m.Program) {
		t.Errorf("%v", err)
	}
	if content(t, m.Program) != script("0.1.0") || m.files(t, "state") != "[]" {
		t.Errorf("left: %s %s", m.files(t, "bin"), m.files(t, "state"))
	}
}

// TestLeftoversOfKilledUpgrades go with the next one, but for those that another may be writing.
func TestLeftoversOfKilledUpgrades(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
	for name, age := range map[string]time.Duration{"state/.kitops-archive-1": 2 * abandoned, "state/.kitops-archive-2": 0, "state/mine": 2 * abandoned, "bin/.kitops-upgrade-1": 0} {
		path, when := filepath.Join(m.dir, name), time.Now().Add(-age)
		put(t, path, "x")
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bin, state := m.files(t, "bin"), m.files(t, "state"); bin != "[kitops kitops.old]" || state != "[.kitops-archive-2 mine upgrade.yaml]" {
		t.Errorf("left: %s %s", bin, state)
	}
}

// TestLeftoversOfAKilledHelper go with its next start, whether anything is offered or not.
func TestLeftoversOfAKilledHelper(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	when := time.Now().Add(-2 * abandoned)
	for _, name := range []string{"private/.kitops-offer-1", "private/.kitops-archive-1", "spool/.offer-1"} {
		path := filepath.Join(h.dir, name)
		put(t, path, "x")
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.helper.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if private, spool := h.files(t, "private"), h.files(t, "spool"); private != "[]" || spool != "[]" {
		t.Errorf("left: %s %s", private, spool)
	}
}

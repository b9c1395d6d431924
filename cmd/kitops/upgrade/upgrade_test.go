package upgrade

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUpgradeReplacesTheProgram(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	publish(t, m.release, "0.2.0", script("0.2.0"), private(2)) // by the next key
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if content(t, m.Program) != script("0.2.0") || content(t, m.Program+".old") != script("0.1.0") {
		t.Errorf("program %q, kept %q", content(t, m.Program), content(t, m.Program+".old"))
	}
	if got := content(t, filepath.Join(m.dir, "state", "upgrade.yaml")); got != "from: 0.1.0\nto: 0.2.0\nstarts: 0\n" {
		t.Errorf("upgrade.yaml: %q", got)
	}
	if info, err := os.Stat(filepath.Join(m.dir, "state", "upgrade.yaml")); err != nil || filepath.Separator == '/' && info.Mode().Perm() != 0o644 {
		t.Errorf("upgrade.yaml, which root may have written for the agent of another user: %v, %v", info.Mode(), err)
	}
	if bin, state := m.files(t, "bin"), m.files(t, "state"); bin != "[kitops kitops.old]" || state != "[upgrade.yaml]" {
		t.Errorf("left: %s %s", bin, state)
	}
	m.Current = "0.2.0"
	if err := m.Run(t.Context()); err != nil || !strings.HasSuffix(m.said.String(), "kitops 0.2.0 is current.\n") {
		t.Errorf("%v, said %s", err, &m.said)
	}
}

// TestRefusedUpgrades: nothing is changed, and nothing is left.
func TestRefusedUpgrades(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(m *machine)
		want    string
	}{
		"another signer":   {func(m *machine) { publish(m.t, m.release, "0.2.0", script("0.2.0"), private(3)) }, "not signed by a key"},
		"another platform": {func(m *machine) { m.Platform = "darwin_arm64" }, "not released for darwin_arm64"},
		"another archive": {func(m *machine) {
			t := m.t
			put(t, filepath.Join(m.release, "kitops_0.2.0_linux_amd64.tar.gz"), "x")
		}, "not the one that was signed"},
		"another version": {func(m *machine) { publish(m.t, m.release, "0.2.0", script("0.3.0"), private(1)) }, `it says that it is "0.3.0"`},
		"it does not start": {func(m *machine) {
			t := m.t
			publish(t, m.release, "0.2.0", "#!/bin/sh\necho no >&2; exit 1", private(1))
		}, "version: exit status 1\n  no"},
		"no program": {func(m *machine) { publish(m.t, m.release, "0.2.0", "", private(1)) }, "does not work here"},
		"settings": {func(m *machine) {
			t := m.t
			m.Trier.Settings = []string{"--config-file", "x"}
			publish(t, m.release, "0.2.0", script("0.2.0")+`[ "$*" != "check --config-file x" ] || { echo wrong >&2; exit 2; }`, private(1))
		}, "check: exit status 2\n  wrong"},
		"floor": {func(m *machine) { put(m.t, string(m.Memory)+"/upgraded.yaml", "floor: 0.3.0\n") }, "older than 0.3.0, which ran here: say --to 0.2.0 for a downgrade"},
		"rolled back": {func(m *machine) {
			t := m.t
			put(t, string(m.Memory)+"/upgraded.yaml", "to: 0.2.0\nat: 2026-11-28T10:00:00Z\nrolled_back: it died\n")
		}, "was rolled back at 2026-11-28 10:00 UTC (it died): say --to 0.2.0"},
		"not that": {func(m *machine) { m.To = "0.4.0" }, "the release is 0.2.0, not 0.4.0"},
		"managed": {func(m *machine) {
			m.Managed, m.From = &ManagedError{"Nix", "nix profile upgrade"}, "/nowhere"
		}, "installed by Nix, which would not know of another: nix profile"},
		"no keys":    {func(m *machine) { m.Keys, m.From = nil, "/nowhere" }, "built without keys, and can verify no release: install one by hand"},
		"nowhere":    {func(m *machine) { m.From = "/nowhere" }, "/nowhere/checksums.txt"},
		"plain http": {func(m *machine) { m.From = "http://example.com/x" }, "http://example.com/x is not https"},
		"folder":     {func(m *machine) { m.Program = m.dir + "/gone/kitops" }, "write beside " /* and the system's words */},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "0.1.0")
			publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
			c.prepare(m)
			if err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if bin := m.files(t, "bin"); bin != "[kitops]" || content(t, m.dir+"/bin/kitops") != script("0.1.0") {
				t.Errorf("the program is changed: %s", bin)
			}
			if state := m.files(t, "state"); state != "[]" && state != "[upgraded.yaml]" {
				t.Errorf("left: %s", state)
			}
		})
	}
}

func TestCheckAndDowngrade(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.3.0")
	publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
	m.Check = true
	if err := m.Run(t.Context()); err != nil || !strings.Contains(m.said.String(), "kitops 0.3.0 is current") {
		t.Errorf("%v, said %s", err, &m.said)
	}
	m.Current, m.Managed = "0.1.0", errors.New("managed")
	newer, ok := errors.AsType[*NewerError](m.Run(t.Context()))
	if !ok || newer.Version != "0.2.0" || m.files(t, "bin") != "[kitops]" {
		t.Errorf("%v, said %s", newer, &m.said)
	}
	m.Current, m.Check, m.Managed, m.To = "0.3.0", false, nil, "v0.2.0"
	put(t, string(m.Memory)+"/upgraded.yaml", "floor: 0.3.0\nto: 0.2.0\nrolled_back: x\n")
	if err := m.Run(t.Context()); err != nil || !strings.Contains(m.said.String(), "This is a downgrade from 0.3.0") || content(t, m.Program) != script("0.2.0") {
		t.Errorf("%v, said %s", err, &m.said)
	}
}

// TestSwapKeepsTheMode, and sweeps what a killed upgrade left.
func TestSwapKeepsTheMode(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
	if err := os.Chmod(m.Program, 0o750); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(m.dir, "bin", ".kitops-upgrade-1"), "of one that was killed")
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(m.Program)
	if err != nil || info.Mode().Perm() != 0o750 || m.files(t, "bin") != "[kitops kitops.old]" {
		t.Errorf("%v, %v, %s", info.Mode(), err, m.files(t, "bin"))
	}
}

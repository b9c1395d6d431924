package service

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestServiceSID has an account that every Windows has.
func TestServiceSID(t *testing.T) {
	t.Parallel()
	if got := sidOf("TrustedInstaller"); got != "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464" {
		t.Error(got)
	}
}

func TestServiceOfWindows(t *testing.T) {
	t.Parallel()
	s := &Service{goos: windowsOS, Environ: []string{"ProgramFiles=/programs", "ProgramData=/data"}}
	p, err := s.places()
	if err != nil {
		t.Fatal(err)
	}
	var said places
	said.fill(append([]string{p.Program}, argsWindows(p)...))
	if said.Program != p.Program || said.Config != p.Config || said.State != p.State || said.RepoDir != p.RepoDir || argsWindows(p)[0] != HostCommand || argsWindows(p)[1] != p.Log {
		t.Errorf("%q", argsWindows(p))
	}
	p.API = "https://git.example.com/api/v3"
	if got := environWindows(p); !slices.Equal(got, []string{"APPDATA=/data", "KITOPS_GITHUB_API_URL=" + p.API}) {
		t.Errorf("%q", got)
	}
	s.User = true
	if err := s.supported(); err == nil {
		t.Error("a service of a user")
	}
}

// TestLogThatWasSetAside is shorter than it was: all of it is new.
func TestLogThatWasSetAside(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "kitops.log")
	if err := os.WriteFile(log, []byte("kitops is watching\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := since(log, 11<<20); err != nil || !strings.Contains(said, "kitops is watching") {
		t.Errorf("%q, %v", said, err)
	}
}

package service

import (
	"os"
	"strings"
	"testing"
)

// TestUnitIsTheDocumentedOne holds the copy that is embedded to the file for people.
func TestUnitIsTheDocumentedOne(t *testing.T) {
	documented, err := os.ReadFile("../../../docs/kitops.service")
	if err != nil {
		t.Fatal(err)
	}
	if systemUnit != string(documented) {
		t.Error("it is another than docs/kitops.service: go generate ./cmd/kitops/service")
	}
}

func TestUnitHasThePaths(t *testing.T) {
	system := &Service{Program: "/home/mona/kitops"}
	p, err := system.places()
	if err != nil {
		t.Fatal(err)
	}
	if unit, err := system.unit(p); err != nil || unit != systemUnit {
		t.Errorf("%v\n%s", err, unit)
	}
	system.Program = "/usr/bin/kitops"
	if p, err = system.places(); err != nil || p.Program != system.Program {
		t.Errorf("%v, %v: a package's program stays where it is", p, err)
	}
	unit, err := system.unit(p)
	if err != nil || unit != strings.Replace(systemUnit, "/usr/local/bin/", "/usr/bin/", 1) {
		t.Errorf("%v\n%s", err, unit)
	}

	own := &Service{User: true, Program: "/home/mona/kitops", Environ: []string{"HOME=/home/mona", "XDG_CONFIG_HOME=/home/mona/50%"}}
	if p, err = own.places(); err != nil {
		t.Fatal(err)
	}
	p.Config = "/home/mona/tasks.yaml"
	const want = "Environment=\"XDG_CONFIG_HOME=/home/mona/50%%\"\nExecStart=/home/mona/kitops --config-file /home/mona/tasks.yaml --state-file /home/mona/.local/state/kitops/state.yaml --repo-dir /home/mona/.cache/kitops/repos\n"
	if unit, err = own.unit(p); err != nil || !strings.Contains(unit, want) {
		t.Errorf("%v\n%s", err, unit)
	}
	for _, path := range []string{"/a b", "/a%b", "/a$b", `/a\b`, `/a"b`, "/a;b", "/a\nExecStartPre=/bin/x"} {
		p.Config = path
		if unit, err = own.unit(p); err == nil {
			t.Errorf("%q in\n%s", path, unit)
		}
	}
}

func TestUsersUnitIsWatchedAsTheSystems(t *testing.T) {
	for _, key := range []string{
		"Type", "NotifyAccess", "WatchdogSec", "KillMode", "TimeoutStopSec", "Delegate", "Restart", "RestartSec", "RestartPreventExitStatus", "OOMPolicy",
	} {
		if is, want := directive(userUnit, key), directive(systemUnit, key); is != want || want == "" {
			t.Errorf("%s=%s for users, %s for the machine", key, is, want)
		}
	}
}

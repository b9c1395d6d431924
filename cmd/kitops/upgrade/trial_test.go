package upgrade

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// started is a start of the new program, after it was installed.
func started(t *testing.T, m *machine, starts int) *Trial {
	t.Helper()
	put(t, m.Program, script("0.2.0"))
	put(t, m.Program+".old", script("0.1.0"))
	if err := m.Memory.write(recordFile, Record{From: "0.1.0", To: "0.2.0", Starts: starts}); err != nil {
		t.Fatal(err)
	}
	return &Trial{Program: m.Program, Version: "0.2.0", Memory: m.Memory}
}

func TestGoodUpgrade(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"ready polled", "polled ready"} {
		m := newMachine(t, "0.1.0")
		trial := started(t, m, 1)
		if former, err := trial.Begin(t.Context()); former != "" || err != nil {
			t.Fatal(former, err)
		}
		if r, err := m.Memory.Record(); err != nil || r.Starts != 2 {
			t.Errorf("%+v, %v", r, err)
		}
		if line := m.Memory.Describe("0.2.0"); line != "upgrade    from 0.1.0 to 0.2.0, not proved yet: start 2 of 3" {
			t.Error(line)
		}
		for what := range strings.FieldsSeq(order) {
			if !trial.Pending() {
				t.Errorf("good before it is %s", what)
			}
			if err := map[string]func() error{"ready": trial.Ready, "polled": trial.Polled}[what](); err != nil {
				t.Error(err)
			}
		}
		if !trial.Await(t.Context(), 0) || trial.Pending() {
			t.Error("not good")
		}
		h, err := m.Memory.History()
		if err != nil || h.Floor != "0.2.0" || h.From != "0.1.0" || h.RolledBack != "" || m.files(t, "state") != "[upgraded.yaml]" {
			t.Errorf("%+v, %v, %s", h, err, m.files(t, "state"))
		}
		if line := m.Memory.Describe("0.2.0"); !strings.HasPrefix(line, "upgrade    from 0.1.0, good since ") {
			t.Error(line)
		}
		if former, err := trial.RollBack(t.Context(), "late"); former != "" || err != nil {
			t.Errorf("rolled back: %q, %v", former, err)
		}
	}
}

// TestFourthStartIsTheFormerProgram: three were not good, whatever they died of.
func TestFourthStartIsTheFormerProgram(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	trial := started(t, m, 0)
	for n := range mostStarts {
		if former, err := trial.Begin(t.Context()); former != "" || err != nil || trial.Last() != (n == mostStarts-1) {
			t.Fatalf("start %d: %q, %v, last %v", n, former, err, trial.Last())
		}
	}
	put(t, filepath.Join(m.dir, "bin", fmt.Sprintf("%srestored-%d", tempPrefix, os.Getpid())), "left by a killed one with the same process id")
	if former, err := trial.Begin(t.Context()); former != m.Program || err != nil {
		t.Fatal(former, err)
	}
	if !same(m.Program, m.Program+".old") || content(t, m.Program) != script("0.1.0") {
		t.Errorf("program %q", content(t, m.Program))
	}
	if m.files(t, "state") != "[upgraded.yaml]" || m.files(t, "bin") != "[kitops kitops.old]" {
		t.Errorf("left %s %s", m.files(t, "state"), m.files(t, "bin"))
	}
	if line := m.Memory.Describe("0.1.0"); !strings.Contains(line, "to 0.2.0 was rolled back to 0.1.0 at ") || !strings.HasSuffix(line, ": 3 starts were not good") {
		t.Error(line)
	}
}

func TestTrialIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, "0.1.0")
		trial := started(t, m, 0)
		begun := time.Now()
		if _, err := trial.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := trial.Ready(); err != nil {
			t.Fatal(err)
		}
		if trial.Await(t.Context(), TrialLimit) || time.Since(begun) != time.Minute {
			t.Errorf("good after %s", time.Since(begun))
		}
	})
}

// TestStartsThatDoNotCount: the program is another, or somebody has stopped it.
func TestStartsThatDoNotCount(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	trial := started(t, m, 1)
	if _, err := trial.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := trial.Stopped(); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Memory.Record(); err != nil || r.Starts != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	trial.Version = "0.1.0" // it was never put in place
	if former, err := trial.Begin(t.Context()); former != "" || err != nil || trial.Pending() || m.files(t, "state") != "[]" {
		t.Errorf("%q, %v, %s", former, err, m.files(t, "state"))
	}
}

// TestUpgradeDuringATrial has a trial of its own, whatever becomes of the first.
func TestUpgradeDuringATrial(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Trial) error{
		"good":    func(trial *Trial) error { return errors.Join(trial.Ready(), trial.Polled()) },
		"stopped": (*Trial).Stopped,
	} {
		m := newMachine(t, "0.1.0")
		trial := started(t, m, 0)
		if _, err := trial.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		next := Record{From: "0.2.0", To: "0.3.0"}
		if err := m.Memory.write(recordFile, next); err != nil {
			t.Fatal(err)
		}
		if err := end(trial); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r, err := m.Memory.Record(); err != nil || r == nil || *r != next {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// TestFormerProgramThatDoesNotWork stays where it is: a rollback is tried, too.
func TestFormerProgramThatDoesNotWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(old string)
		want  string
	}{
		"gone":    {func(old string) { _ = os.Remove(old) }, "the former program does not work"},
		"broken":  {func(old string) { put(t, old, "#!/bin/sh\nexit 1") }, "the former program does not work"},
		"another": {func(old string) { put(t, old, script("0.0.9")) }, `it says that it is "0.0.9"`},
	} {
		m := newMachine(t, "0.1.0")
		trial := started(t, m, mostStarts)
		c.spoil(m.Program + ".old")
		former, err := trial.Begin(t.Context())
		if former != "" || err == nil || !strings.Contains(err.Error(), c.want) || content(t, m.Program) != script("0.2.0") {
			t.Errorf("%s: %q, %v", name, former, err)
		}
	}
}

// TestProgramThatCannotBePutBack runs from where it is kept, at each start, until root puts it back.
func TestProgramThatCannotBePutBack(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	trial := started(t, m, 0)
	if _, err := trial.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	trial.restore = func() error { return os.ErrPermission }
	old := m.Program + ".old"
	for range 2 {
		if former, err := trial.RollBack(t.Context(), "it hangs"); former != old || err != nil {
			t.Fatal(former, err)
		}
		if r, err := m.Memory.Record(); err != nil || r.Starts != mostStarts+1 {
			t.Fatalf("%+v, %v", r, err)
		}
		former := &Trial{Program: m.Program, Version: "0.1.0", Memory: m.Memory}
		if path, err := former.Begin(t.Context()); path != "" || err != nil || m.files(t, "state") != "[upgrade.yaml upgraded.yaml]" {
			t.Fatal(path, err, m.files(t, "state"))
		}
		trial = &Trial{Program: m.Program, Version: "0.2.0", Memory: m.Memory, restore: trial.restore}
		trial.record, _ = m.Memory.Record()
	}
	if h, err := m.Memory.History(); err != nil || h.RolledBack != "it hangs" {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestSuccessor(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	s := &Successor{Program: m.Program, Version: "0.1.0", Every: 5 * time.Millisecond, Memory: m.Memory, Trier: Trier{Settings: []string{}}}
	s.Mark()
	put(t, filepath.Join(m.dir, "bin", "broken"), "#!/bin/sh\nexit 7")
	if err := os.Link(m.Program, m.Program+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(m.dir, "bin", "broken"), m.Program); err != nil {
		t.Fatal(err)
	}
	told := 0
	version, ok := s.Await(t.Context(), func(err error) {
		told++
		if !strings.Contains(err.Error(), "exit status 7") {
			t.Error(err)
		}
		put(t, filepath.Join(m.dir, "bin", "new"), script("0.2.0"))
		if err := os.Rename(filepath.Join(m.dir, "bin", "new"), m.Program); err != nil {
			t.Error(err)
		}
	})
	if version != "0.2.0" || !ok || told != 1 {
		t.Errorf("%q, %v, told %d times", version, ok, told)
	}
	if err := s.Announce(version); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Memory.Record(); err != nil || r == nil || *r != (Record{From: "0.1.0", To: "0.2.0"}) {
		t.Errorf("%+v, %v", r, err)
	}
}

package service

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestStopOfAUnit: what is laid over the unit counts, and the time of systemd's own where it says none.
func TestStopOfAUnit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd is on Linux")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	program, unit := filepath.Join(dir, "program"), filepath.Join(dir, "systemd/user", name)
	put := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(program, "")
	environ := []string{"XDG_CONFIG_HOME=" + dir}
	if where, limit, asked := Stop(program, environ); where != "" || limit != 0 || asked {
		t.Errorf("without a unit: %s %s %t", where, limit, asked)
	}
	for _, c := range []struct {
		unit, over string
		limit      time.Duration
		asked      bool
	}{
		{userUnit, "", 30 * time.Second, true},
		{"Type=simple\nTimeoutStopSec=30\n", "", 30 * time.Second, false},
		{"", "", 90 * time.Second, false},
		{"TimeoutStopSec=5min\n", "", 5 * time.Minute, false},
		{"TimeoutStopSec=1h 30min 5s\n", "", 90*time.Minute + 5*time.Second, false},
		{"TimeoutStopSec=infinity\n", "", 0, false},
		{userUnit, "[Service]\nTimeoutStopSec=10\n", 10 * time.Second, true},
		{"TimeoutStopSec=30\n", "[Service]\nType=notify-reload\n", 30 * time.Second, true},
	} {
		put(unit, "ExecStart="+program+" --once\n"+c.unit)
		put(unit+".d/override.conf", c.over)
		if where, limit, asked := Stop(program, environ); where != unit || limit != c.limit || asked != c.asked {
			t.Errorf("%q, %q: %s %s %t", c.unit, c.over, where, limit, asked)
		}
	}
}

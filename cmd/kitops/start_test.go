package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// Each command pays for what packages do before main, even kitops version.
func TestStartOfThePackagesIsCheap(t *testing.T) {
	t.Parallel()
	const most = 4 << 10 // bytes
	cmd := exec.CommandContext(t.Context(), "kitops", "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`(?m)^init (main|github\.com/bittrance/kitops/\S+) .* (\d+) bytes, \d+ allocs$`).FindAllSubmatch(out, -1)
	if len(found) == 0 {
		t.Fatalf("no package was traced:\n%s", out)
	}
	for _, p := range found {
		if bytes, err := strconv.Atoi(string(p[2])); err != nil || bytes > most {
			t.Errorf("%s allocates %s bytes before main: make it when it is needed", p[1], p[2])
		}
	}
}

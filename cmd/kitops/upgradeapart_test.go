//go:build unix

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestRollBackHandsNoSecretsOver: the former program is back at its place, and another start runs it.
func TestRollBackHandsNoSecretsOver(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"at the limit": {"--interval", "100ms", "--listen", "127.0.0.1:0"}, "by its settings": {"--interval", "never"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpgraded(t)
			u.impatient()
			u.install()
			u.environ = append(u.environ, "KITOPS_WEBHOOK_SECRET=secret-for-tests")
			u.start(append([]string{"--url", u.path("nowhere"), "--action", "true"}, args...)...)
			<-u.done
			if code, log := u.cmd.ProcessState.ExitCode(), u.read("log"); code != 1 || !strings.Contains(log, "kitops "+nextVersion+" is rolled back") ||
				!strings.Contains(log, "start kitops again: the former version is not handed the secrets in KITOPS_WEBHOOK_SECRET") || strings.Contains(log, "version=\""+testVersion) {
				t.Errorf("exit code %d\n%s", code, log)
			}
			u.start("--url", u.repo.Dir, "--action", "true", "--listen", "127.0.0.1:0")
			u.rolledBack("it ")
		})
	}
}

// TestHandOverOnASharedStore: the former program gives its leases and its name back, so that nobody
// waits for their end; the other claims the name anew, and runs what is pushed.
func TestHandOverOnASharedStore(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	server := new(objects.Bucket).S3(t)
	u.environ = slices.DeleteFunc(u.environ, func(entry string) bool { return strings.HasPrefix(entry, "KITOPS_STATE_FILE=") })
	u.write("credentials", []byte("[default]\naws_access_key_id = AK\naws_secret_access_key = SK\n"))
	u.environ = append(u.environ, "KITOPS_STATE=s3://bucket/team?region=eu-north-1&endpoint="+server.URL,
		"AWS_SHARED_CREDENTIALS_FILE="+u.path("credentials"), "KITOPS_TEST_LEASE_TTL=8s")
	u.start("--url", u.repo.Dir, "--interval", "100ms", "--instance", "one", "--environment", "PLACE="+u.dir, "--action", `echo "$KITOPS_SHA" >>"$PLACE/ran"`)
	u.awaitLog("outcome=success")
	u.kitops(0, "upgrade", "--from", u.path("release"))
	u.awaitLog("the upgrade is good")
	next := u.repo.Commit(map[string]string{"file": "two"})
	if history := u.read("repos/upgraded.yaml"); !strings.Contains(history, "floor: "+nextVersion) {
		t.Errorf("it is not remembered: %s", history)
	}
	u.await("the next revision runs", func() bool { return strings.Count(u.read("log"), "outcome=success") == 2 })
	if ran := u.read("ran"); ran != u.first+"\n"+next+"\n" {
		t.Errorf("ran: %s", ran)
	}
	_, after, _ := strings.Cut(u.read("log"), "another kitops is installed")
	for line := range strings.Lines(after) {
		busy := strings.Contains(line, "context deadline exceeded") // requests have one second here
		if strings.Contains(line, "another instance has this name") || strings.Contains(line, "level=ERROR") && !busy {
			t.Errorf("%s in\n%s", line, u.read("log"))
		}
	}
	u.end(syscall.SIGTERM)
	if u.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("%s", u.cmd.ProcessState)
	}
}

// TestUpgradeThroughALink replaces what the link leads to, and leaves the link.
func TestUpgradeThroughALink(t *testing.T) {
	t.Parallel()
	u := newUpgraded(t)
	if err := os.Symlink("bin/kitops", u.path("link")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(u.path("link"), "upgrade", "--from", u.path("release"))
	cmd.Env, cmd.Dir = u.environ, u.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if to, err := os.Readlink(u.path("link")); err != nil || to != "bin/kitops" || !strings.HasPrefix(u.kitops(0, "version"), "kitops "+nextVersion+" ") {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

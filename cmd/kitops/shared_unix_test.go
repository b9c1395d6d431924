//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// sharedWith are the flags and variables of a store.
type sharedWith struct {
	url string
	env []string
}

func onS3(t *testing.T, b *objects.Bucket) sharedWith {
	t.Helper()
	return sharedWith{
		"s3://bucket/team?endpoint=" + b.S3(t).URL,
		[]string{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK"},
	}
}

func onAzure(t *testing.T, b *objects.Bucket) sharedWith {
	t.Helper()
	return sharedWith{"azblob://account/container/team?endpoint=" + b.Azure(t).URL, []string{"AZURE_STORAGE_KEY=c2VjcmV0"}}
}

func (w sharedWith) kitops(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kitops", append(args, "--state", w.url)...)
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=10 halt_on_error=1", "HOME="+t.TempDir()), w.env...)
	return cmd
}

// TestStoresThatAreRefused: nothing runs on a server that does not exclude, on one that has failed others, or without a store.
func TestStoresThatAreRefused(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	repo.Commit(map[string]string{"file": "1"})
	careless := onS3(t, &objects.Bucket{Together: bucket.Racers})
	gone := onS3(t, &objects.Bucket{})
	gone.url = strings.Replace(gone.url, "//bucket", "//other", 1)
	google := sharedWith{url: "s3://bucket/team?endpoint=https://storage.googleapis.com"}
	for want, test := range map[string]struct {
		store sharedWith
		code  int
	}{
		"does not honour If-None-Match":            {careless, 1},
		"s3://other is not there: make the bucket": {gone, 1},
		"google Cloud Storage is not supported":    {google, 2},
		"the region of s3://bucket is not known":   {sharedWith{url: "s3://bucket/team", env: []string{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK"}}, 1},
		"is none of file:PATH, s3://BUCKET/PREFIX": {sharedWith{url: "gs://bucket/team"}, 2},
	} {
		cmd := test.store.kitops(t, "--url", repo.Dir, "--action", "true", "--poll-once")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != test.code || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want exit code %d and %q:\n%s", test.store.url, err, test.code, want, out)
		}
	}
}

// TestPollOnceOnAzure runs what is new, and the next time there is nothing.
func TestPollOnceOnAzure(t *testing.T) {
	t.Parallel()
	repo, b := gittest.New(t), &objects.Bucket{}
	repo.Commit(map[string]string{"file": "1"})
	store := onAzure(t, b)
	for _, want := range []string{"run finished", "nothing new"} {
		out, err := store.kitops(t, "--url", repo.Dir, "--action", "true", "--poll-once", "--instance", "a").CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%v, no %q:\n%s", err, want, out)
		}
	}
}

// TestDoctorOfSharedState tells what a run would meet.
func TestDoctorOfSharedState(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	repo.Commit(map[string]string{"file": "1"})
	late := &objects.Bucket{Clock: func() time.Time { return time.Now().Add(-3 * time.Minute) }}
	out, err := onS3(t, late).kitops(t, "doctor", "--url", repo.Dir, "--action", "true").CombinedOutput()
	for _, want := range []string{"of sixteen writers one wins", "ok    credentials of the store: AWS_ACCESS_KEY_ID", "warn  clock of the store: this one differs by 3m"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, no %q:\n%s", err, want, out)
		}
	}
	if names := late.Names(); len(names) > 0 {
		t.Errorf("doctor leaves %q", names)
	}
}

// TestStateCopy: what moves to a bucket and back is the same, and nothing is overwritten or taken from under an agent.
func TestStateCopy(t *testing.T) {
	t.Parallel()
	dir, repo, b := t.TempDir(), gittest.New(t), &objects.Bucket{}
	sha := repo.Commit(map[string]string{"file": "1"})
	store := onS3(t, b)
	file, back := filepath.Join(dir, "state.yaml"), filepath.Join(dir, "back.yaml")
	first := "---\nshop:\n  next_run:\n    secs_since_epoch: 1\n    nanos_since_epoch: 0\n  current_sha: " + sha + "\n"
	if err := os.WriteFile(file, []byte(first), 0o600); err != nil { // of the first kitops
		t.Fatal(err)
	}
	kitops := func(args ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), "kitops", args...)
		cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=10"), store.env...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, step := range []struct {
		from, to, want string
		code           int
	}{
		{file, store.url, "1 documents copied", 0},
		{file, store.url, "has a memory already, of shop", 1},
		{store.url, back, "1 documents copied", 0},
		{filepath.Join(dir, "none.yaml"), back, "no such file", 1},
		{file, "s3://", "is not s3://BUCKET/PREFIX", 2},
	} {
		if out, code := kitops("state", "copy", step.from, step.to); code != step.code || !strings.Contains(out, step.want) {
			t.Errorf("%s to %s: exit code %d, want %d and %q:\n%s", step.from, step.to, code, step.code, step.want, out)
		}
	}
	if got := readFile(t, back); !strings.Contains(got, "current_sha: "+sha) && !strings.Contains(got, `current_sha: "`+sha) {
		t.Errorf("what came back is\n%s", got)
	}
	if names := b.Names(); len(names) != 1 || names[0] != "team/tasks/shop.yaml" {
		t.Errorf("the bucket has %q", names)
	}

	agent := store.kitops(t, "--url", repo.Dir, "--action", "true", "--instance", "a", "--interval", "100ms")
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = agent.Process.Kill(); _ = agent.Wait() }()
	if !eventually(func() bool { return slices.Contains(b.Names(), "team/instances/a.yaml") }) {
		t.Fatal("the agent never joins")
	}
	if out, code := kitops("state", "copy", store.url, filepath.Join(dir, "more.yaml")); code != 1 || !strings.Contains(out, "is in use by a (pid") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestADamagedDocumentIsNamed beside all that reads, with the exit code of a state that does not.
func TestADamagedDocumentIsNamed(t *testing.T) {
	t.Parallel()
	repo, b := gittest.New(t), &objects.Bucket{}
	repo.Commit(map[string]string{"file": "1"})
	store := onS3(t, b)
	agent := store.kitops(t, "--url", repo.Dir, "--action", "true", "--instance", "a", "--interval", "100ms", "--repo-dir", t.TempDir())
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = agent.Process.Kill(); _ = agent.Wait() }()
	if !eventually(func() bool { return slices.Contains(b.Names(), "team/tasks/repo.yaml") }) {
		t.Fatal("nothing is saved")
	}
	for name, text := range map[string]string{"cut": "kitops: 1\nurl: [", "other": "version: 1\nwritten_by: kitops/test\nsave: x\ndocument:\n  refs: 3\n"} {
		if _, err := b.Put(t.Context(), "team/tasks/"+name+".yaml", []byte(text), bucket.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{"status", "members"} {
		cmd := store.kitops(t, command, "--control", "off")
		out, _ := cmd.CombinedOutput()
		reads := map[string]string{"status": "\nrepo ", "members": "\na "}[command]
		for _, want := range []string{reads, "cut.yaml", `"other"`} {
			if !strings.Contains(string(out), want) || cmd.ProcessState.ExitCode() != 2 {
				t.Errorf("%s: exit code %d, no %q:\n%s", command, cmd.ProcessState.ExitCode(), want, out)
			}
		}
	}
}

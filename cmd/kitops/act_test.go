//go:build act

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestActRunsWorkflows runs the example by the real act, which has to be in PATH.
func TestActRunsWorkflows(t *testing.T) {
	workflows(t, "act/tasks.yaml")
}

// TestActRunsWorkflowsInDocker runs them in containers of the image that KITOPS_TEST_ACT_IMAGE names, by the Docker
// Engine of DOCKER_HOST.
func TestActRunsWorkflowsInDocker(t *testing.T) {
	image, engine := os.Getenv("KITOPS_TEST_ACT_IMAGE"), os.Getenv("DOCKER_HOST")
	where := "\n        environment: {DOCKER_HOST: " + engine + "}"
	s := workflows(t, "act/docker.yaml", "catthehacker/ubuntu:act-latest", image, "- name: act", "- name: act"+where, "- name: remove", "- name: remove"+where)
	if !strings.Contains(s.read("out.log"), image) {
		t.Errorf("no image:\n%s", s.read("out.log"))
	}
	noContainers(t, engine, "name=act-")
}

// noContainers are left of a test: other tests have some, too, of other names and labels.
func noContainers(t *testing.T, engine, filter string) {
	t.Helper()
	if left, err := exec.Command("docker", "--host", engine, "ps", "--all", "--quiet", "--filter", filter).CombinedOutput(); err != nil || len(left) > 0 {
		t.Errorf("containers are left: %s, %v", left, err)
	}
}

// workflows pushes a commit on which the workflow of the example is green, then one on which it is red.
func workflows(t *testing.T, example string, replaced ...string) *scene {
	s := newScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	flags := s.untimed(example, replaced...)
	makefile := func(more string) string {
		return "test:\n\ttest \"$$GITHUB_REF $$GITHUB_EVENT_NAME\" = 'refs/heads/main push'\n" +
			"\ttest -n \"$$GITHUB_EVENT_PATH\" && grep -q '\"full_name\": *\"acme/shop\"' \"$$GITHUB_EVENT_PATH\"\n" +
			"\t@echo ran on $$GITHUB_SHA $$(git rev-parse HEAD) $$(cat revision)\n" + more
	}
	green := s.shop.Push("main", brings(t, "act", map[string]string{"Makefile": makefile(""), "revision": "first"}))
	out := s.once(0, flags...)
	wantWords(t, out, "ran on "+green+" "+green+" first")
	red := s.shop.Push("main", map[string]string{"Makefile": makefile("\t@echo the step says why; false\n"), "revision": "second"})
	out = s.once(1, flags...)
	wantWords(t, out, "ran on "+red+" "+red+" second")
	for sha, want := range map[string]string{green: "success", red: "failure"} {
		all := s.shop.CheckRuns(sha)
		if len(all) != 1 || all[0].Conclusion != want {
			t.Errorf("check runs %+v, want one that is %s\n%s", all, want, s.read("out.log"))
			continue
		}
		if want == "failure" {
			wantWords(t, all[0].Output.Text, "the step says why")
		}
	}
	return s
}

// TestRunnersInDocker runs the example's runners in containers, with this program in the place of GitHub's runner: jobs
// succeed, a stop cancels what is left, and neither registrations nor containers stay.
func TestRunnersInDocker(t *testing.T) {
	image, engine := os.Getenv("KITOPS_TEST_ACT_IMAGE"), os.Getenv("DOCKER_HOST")
	s := newRunnersScene(t, apptest.Options{})
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	where := "environment: {DOCKER_HOST: " + engine + ", TEST_RUNNER: \"" + s.URL + "/_services/pipelines/runner/\"}"
	agent := s.start(s.example("runners-docker/tasks.yaml", "name: box", "name: build", "user: builder", "user: same\n    "+where, "drain: 10m", "drain: 1s",
		"/var/empty", s.path("home"), "docker run", "docker run --network host --env TEST_RUNNER --volume "+program+":/runner:ro",
		"ghcr.io/actions/actions-runner:2.330.0", image, "./run.sh", "/runner")...)
	set := s.listening()
	jobs := queued(set, 5, "300ms")
	s.await("all succeed", ended(jobs, "succeeded"))
	long := queued(set, 1, "10m")
	s.await("it runs", func() bool { return long[0].State() == "running" })
	agent.stop()
	if got := long[0].State(); got != "canceled" {
		t.Errorf("the job is %s after the stop", got)
	}
	if left := set.Registrations(); len(left) > 0 {
		t.Errorf("still registered: %v", left)
	}
	noContainers(t, engine, "label=kitops")
}

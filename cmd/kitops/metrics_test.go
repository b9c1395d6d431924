//go:build unix

package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// metrics is what an agent with --metrics tells.
func (s *hookScene) metrics() string {
	s.t.Helper()
	return s.agent.metrics()
}

func (w *watcher) metrics() string {
	s := w.s
	s.t.Helper()
	w.says(`url=http://127\.0\.0\.1:\d+/metrics`, 1)
	url := regexp.MustCompile(`url=(http://127\.0\.0\.1:\d+/metrics)`).FindStringSubmatch(s.read("agent.log"))[1]
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// TestMetricsOfAPush holds every name that the pages have to what a running
// agent tells, and the agent to the pages.
func TestMetricsOfAPush(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(append(s.listening(), "--metrics", "127.0.0.1:0")...)
	sha, _ := s.push()
	s.awaitStatus(sha, "success")
	s.await("the end of the run in the metrics", func() bool {
		return strings.Contains(s.metrics(), `kitops_applied_info{task="shop",ref="refs/heads/main",sha="`+sha+`"} 1`)
	})
	s.await("the report to be taken", func() bool { return strings.Contains(s.metrics(), "\nkitops_outbox_pending 0\n") })
	s.post(s.gate.captured().with("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)))
	s.ends(0, "pause", "shop", "--state-file", s.path("state.yaml"))
	s.await("the pause in the metrics", func() bool {
		return strings.Contains(s.metrics(), `kitops_paused_since_timestamp_seconds{task="shop"}`)
	})
	told := s.metrics()
	wantWords(t, told,
		`kitops_runs_total{task="shop",outcome="success"} 2`, `kitops_failing{task="shop"} 0`, `kitops_behind_seconds{task="shop"} 0`,
		`kitops_push_to_run_seconds_count 1`, `kitops_run_duration_seconds_count 2`, `kitops_nudges_total{source="webhook"} 1`,
		`kitops_webhook_deliveries_total{source="webhook",result="accepted"} 1`, `kitops_webhook_deliveries_total{source="webhook",result="refused"} 1`,
		`kitops_github_rate_limit_remaining{installation="acme"}`, `kitops_github_requests_total{code="200"}`, `kitops_mirror_bytes{task="shop"}`,
		`kitops_running 0`, `kitops_build_info{version=`,
	)
	if strings.Contains(told, s.first) {
		t.Error("the revision before is told as applied")
	}

	names := map[string]bool{ // of notifications, runners and keys with an end, of which this agent has none
		"kitops_verify_key_expires_timestamp_seconds": true,
		"kitops_notifications_total":                  true, "kitops_notification_last_success_timestamp_seconds": true,
		"kitops_runners": true, "kitops_runners_wanted": true, "kitops_runners_max": true, "kitops_runners_blocked": true,
		"kitops_runner_jobs_total": true, "kitops_runner_job_wait_seconds": true, "kitops_runner_job_wait_seconds_bucket": true,
	}
	for _, family := range regexp.MustCompile(`(?m)^# TYPE (kitops_\w+) (\w+)$`).FindAllStringSubmatch(told, -1) {
		names[family[1]] = true
		if family[2] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				names[family[1]+suffix] = true
			}
		}
	}
	pages, err := filepath.Glob("../../docs/monitoring/*")
	if err != nil || len(pages) < 4 {
		t.Fatal(pages, err)
	}
	see := ""
	for _, page := range append(pages, "../../docs/see.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\bkitops_[a-z_]+`).FindAllString(string(text), -1) {
			if !names[name] {
				t.Errorf("%s has %s, which no agent tells", page, name)
			}
		}
		see = string(text)
	}
	for name := range names {
		if base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, ""); !strings.Contains(see, "`"+base+"`") && !strings.Contains(see, "`"+base+"{") {
			t.Errorf("docs/see.md does not say what %s is", base)
		}
	}
}

//go:build prometheus && unix

package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// prometheus scrapes an agent every second.
type prometheus struct {
	*hookScene
	base string
}

// scraped runs Prometheus beside the agent, with the rules of docs/monitoring.
func (s *hookScene) scraped() prometheus {
	s.t.Helper()
	rules, err := filepath.Abs("../../docs/monitoring/alerts.yml")
	if err != nil {
		s.t.Fatal(err)
	}
	target := regexp.MustCompile(`url=http://([^/]+)/metrics`).FindStringSubmatch(s.read("agent.log"))[1]
	config := s.write("prometheus.yml", "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: ["+rules+"]\n"+
		"scrape_configs: [{job_name: kitops, static_configs: [{targets: ['"+target+"']}]}]\n")
	cmd := exec.Command("prometheus", "--config.file", config, "--storage.tsdb.path", s.path("tsdb"), "--web.listen-address", "127.0.0.1:0")
	log, err := os.Create(s.path("prometheus.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if s.t.Failed() {
			s.t.Log(s.read("prometheus.log"))
		}
	})
	listening := regexp.MustCompile(`msg="Listening on" address=(127\.0\.0\.1:\d+)`)
	p := prometheus{hookScene: s}
	s.await("Prometheus", func() bool {
		found := listening.FindStringSubmatch(s.read("prometheus.log"))
		if found != nil {
			p.base = "http://" + found[1] + "/api/v1/"
		}
		return found != nil
	})
	return p
}

// ask is a question to the API of Prometheus: https://prometheus.io/docs/prometheus/latest/querying/api/
func (p prometheus) ask(path string, answer any) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.base+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	got, err := p.gate.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode == http.StatusServiceUnavailable { // it starts
		return
	}
	if err := json.NewDecoder(got.Body).Decode(answer); err != nil || got.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s %v", path, got.Status, err)
	}
}

// value is the first sample of a query, "" where there is none.
func (p prometheus) value(query string) string {
	p.t.Helper()
	var answer struct {
		Data struct {
			Result []struct{ Value []any }
		}
	}
	p.ask("query?query="+url.QueryEscape(query), &answer)
	if len(answer.Data.Result) == 0 {
		return ""
	}
	return answer.Data.Result[0].Value[1].(string)
}

// TestPrometheusSeesAPush has a real Prometheus find a push in what an agent
// tells, and answer every question of the dashboard.
func TestPrometheusSeesAPush(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(append(s.listening(), "--metrics", "127.0.0.1:0")...)
	p := s.scraped()
	p.await("the first run", func() bool { return p.value("kitops_run_duration_seconds_count") == "1" })
	sha, _ := s.push()
	s.awaitStatus(sha, "success")
	p.await("the push", func() bool {
		return p.value("kitops_push_to_run_seconds_count") == "1" && p.value(`kitops_applied_info{sha="`+sha+`"}`) == "1"
	})
	if p.value(`kitops_applied_info{sha="`+s.first+`"}`) != "" {
		t.Error("the revision before is still there")
	}
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	p.await("the rules", func() bool {
		p.ask("rules", &rules)
		good := 0
		for _, group := range rules.Data.Groups {
			for _, rule := range group.Rules {
				if rule.Health == "err" {
					t.Fatalf("%s: %s", rule.Name, rule.LastError)
				}
				good += map[bool]int{true: 1}[rule.Health == "ok"]
			}
		}
		return good >= 10
	})

	text, err := os.ReadFile("../../docs/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	grafana := strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$instance", ".*", "$task", ".*")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			p.await(panel.Title+" in the dashboard: "+target.Expr, func() bool {
				return p.value(grafana.Replace(target.Expr)) != "" || strings.Contains(target.Expr, "kitops_runners") // there are none here
			})
		}
	}
	if len(dashboard.Panels) < 10 {
		t.Errorf("%d panels", len(dashboard.Panels))
	}
}

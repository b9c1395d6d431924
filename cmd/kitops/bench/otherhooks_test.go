//go:build linux

package bench_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// otherHooks is a program that waits for webhooks and runs a script for each, which fetches and checks out in a kept clone. It
// takes part where it is in PATH: go install github.com/adnanh/webhook@2.8.2, and
// cargo install --git https://github.com/softdevteam/snare (in the registry that name is another's by now).
type otherHooks struct {
	name, address string
	kept, said    map[string]string // by repository: its clone, and the file that the script writes
}

// startOthers starts what there is.
func startOthers(b *testing.B, w *workbench, repos []*nudgedRepo) (all []*otherHooks) {
	b.Helper()
	for _, name := range []string{"webhook", "snare"} {
		path, err := exec.LookPath(name)
		if err != nil {
			b.Logf("%s takes no part: it is not in PATH", name)
			continue
		}
		all = append(all, startOther(b, w, name, path, repos))
	}
	return all
}

func startOther(b *testing.B, w *workbench, name, path string, repos []*nudgedRepo) *otherHooks {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	o := &otherHooks{name: name, address: listener.Addr().String(), kept: map[string]string{}, said: map[string]string{}}
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it is tcp
	_ = listener.Close()
	dir := ramTB{b}.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			b.Fatal(err)
		}
		return path
	}
	type hook struct {
		ID      string         `json:"id"`
		Execute string         `json:"execute-command"`
		Rule    map[string]any `json:"trigger-rule"`
	}
	var hooks []hook
	conf := fmt.Sprintf("listen = %q;\n", o.address)
	if os.Geteuid() == 0 {
		conf += "user = \"root\";\n"
	}
	conf += "github {\n"
	for _, r := range repos {
		kept, said := filepath.Join(dir, r.name), filepath.Join(dir, r.name+".said")
		w.measure(b, "git", "clone", "--quiet", "--depth", "1", r.CloneURL(), kept)
		o.kept[r.name], o.said[r.name] = kept, said
		script := write(r.name+".sh", fmt.Sprintf("#!/bin/sh\ncd %s && git fetch --quiet --depth 1 origin main && git checkout --quiet --force FETCH_HEAD && date +%%s%%N >%s.tmp && mv %s.tmp %s\n", kept, said, said, said))
		rule := map[string]any{"match": map[string]any{"type": "payload-hmac-sha256", "secret": nudgeSecret, "parameter": map[string]string{"source": "header", "name": "X-Hub-Signature-256"}}}
		hooks = append(hooks, hook{r.name, script, rule})
		conf += fmt.Sprintf("  match %q {\n    cmd = %q;\n    secret = %q;\n  }\n", "acme/"+r.name, script, nudgeSecret)
	}
	args := []string{"-d", "-c", write("snare.conf", conf+"}\n")}
	if name == "webhook" {
		text, err := json.Marshal(hooks)
		if err != nil {
			b.Fatal(err)
		}
		args = []string{"-hooks", write("hooks.json", string(text)), "-ip", "127.0.0.1", "-port", fmt.Sprint(port)}
	}
	cmd := exec.CommandContext(b.Context(), path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	for end := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", o.address)
		if err == nil {
			_ = conn.Close()
			return o
		}
		if time.Now().After(end) {
			b.Fatalf("%s does not listen: %v", name, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// sample takes the time from a delivery to the end of the checkout.
func (o *otherHooks) sample(b *testing.B, r *nudgedRepo, payload []byte) sample {
	b.Helper()
	_ = os.Remove(o.said[r.name])
	request := signedPush(b, o.address, payload)
	request.URL.Path = "/"
	if o.name == "webhook" {
		request.URL.Path = "/hooks/" + r.name
	}
	begin := time.Now()
	resp, err := http.DefaultClient.Do(request)
	if err != nil || resp.StatusCode/100 != 2 {
		b.Fatalf("%s: %v, %v", o.name, resp, err)
	}
	_ = resp.Body.Close()
	for end := begin.Add(time.Minute); ; time.Sleep(200 * time.Microsecond) {
		text, err := os.ReadFile(o.said[r.name])
		if err == nil && len(text) > 1 {
			return sample{wall: clock(b, string(text[:len(text)-1])).Sub(begin)}
		}
		if time.Now().After(end) {
			b.Fatalf("%s did nothing", o.name)
		}
	}
}

//go:build linux

package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

const (
	nudgeSamples = 50
	nudgeRest    = 2100 * time.Millisecond // a task takes ten nudges at once, then one every 2 seconds
	nudgeSecret  = "a secret of more than sixteen bytes"
)

// BenchmarkNudge takes the time from the moment GitHub delivers a push of one file, to the first thing the action does,
// beside what the git CLI takes to fetch and check out the same push, told by nobody. Then it floods the endpoint.
func BenchmarkNudge(b *testing.B) {
	w := newWorkbench(b)
	n := newNudgebench(b, w)
	b.Run("DeliveryToAction", n.deliveryToAction)
	b.Run("Flood", n.flood)
	n.print(os.Stdout)
}

// nudgebench is a GitHub with repositories of 2, 1,000 and 20,000 files, and an agent that looks by itself once an hour.
type nudgebench struct {
	*workbench
	app     *apptest.App
	repos   []*nudgedRepo
	others  []*otherHooks
	flooded floodFigures
	args    []string // of the agent
}

// nudgedRepo is what is pushed to.
type nudgedRepo struct {
	*apptest.Repository
	name, size string
	kept       string // the git CLI's clone, as kitops has its own
	nudged     time.Time
	kitops     series
	git        series
	others     map[string]series // of programs that wait for webhooks and have git do the rest, by name
}

func newNudgebench(b *testing.B, w *workbench) *nudgebench {
	b.Helper()
	g := apptest.New(ramTB{b}, apptest.Options{Dir: ramTB{b}.TempDir(), Unchecked: true})
	g.AddOrg("acme")
	n := &nudgebench{workbench: w, app: g.RegisterApp("acme", "Kit Ops", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read"},
	})}
	n.app.Install("acme", nil)
	tasks := "tasks:\n"
	for _, of := range []struct {
		name, checkout string
		files          int
	}{{"small", "fresh", 2}, {"thousand", "fresh", 1000}, {"large", "fresh", 20_000}, {"kept", "reuse", 20_000}} {
		name, files := of.name, of.files
		r := &nudgedRepo{Repository: g.AddRepository("acme", name, apptest.RepositoryOptions{}), name: name, size: fmt.Sprintf("%d files, %s", files, of.checkout)}
		content := map[string]string{}
		for i := range files {
			content[fmt.Sprintf("dir%02d/file%05d.txt", i%100, i)] = strings.Repeat(fmt.Sprintf("line of file %d\n", i), 1+i%100)
		}
		r.Push("main", content)
		r.kept = filepath.Join(w.dir, "kept-"+name)
		w.measure(b, "git", "clone", "--quiet", "--depth", "1", r.CloneURL(), r.kept)
		n.repos = append(n.repos, r)
		tasks += fmt.Sprintf("  - {name: %s, git: {url: %q, branch: main, checkout: %s}, interval: 1h, actions: [{run: date +%%s%%N}]}\n", name, r.CloneURL(), of.checkout)
	}
	n.args = append([]string{
		w.kitops, "--config-file", n.file(b, "tasks.yaml", tasks), "--log-format", "json", "--github-status-context", "off",
		"--github-app-id", n.app.ClientID, "--github-private-key-file", n.file(b, "key.pem", string(n.app.PrivateKey())), "--github-api-url", g.APIURL,
		"--listen", "127.0.0.1:0", "--webhook-secret-file", n.file(b, "secret", nudgeSecret), "--deliveries-interval", "0",
		"--state-file", filepath.Join(w.dir, "state.yaml"), "--repo-dir", filepath.Join(w.dir, "repos"),
	}, actionUser()...)
	return n
}

func (n *nudgebench) file(b *testing.B, name, content string) string {
	b.Helper()
	path := filepath.Join(n.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func (n *nudgebench) deliveryToAction(b *testing.B) {
	a := startAgent(b, n.command(n.args...))
	address := a.await(b, "taking webhooks", nil).Address
	for range n.repos {
		a.await(b, "run finished", nil)
	}
	n.others = startOthers(b, n.workbench, n.repos)
	taken := 0
	one := func() {
		for _, r := range n.repos {
			n.sample(b, a, r, address, taken)
		}
		taken++
	}
	for b.Loop() {
		one()
	}
	for taken < nudgeSamples {
		one()
	}
	a.stop(b)
	b.ReportMetric(0, "ns/op") // of the harness: nobody's business
	for _, r := range n.repos {
		b.ReportMetric(r.kitops.median(wallMS), "kitops-"+r.name+"-ms")
		b.ReportMetric(r.git.median(wallMS), "git-"+r.name+"-ms")
	}
}

// sample pushes one file, and takes both sides' time in turn.
func (n *nudgebench) sample(b *testing.B, a *benchAgent, r *nudgedRepo, address string, number int) {
	b.Helper()
	before := r.Head("main")
	sha := r.Push("main", map[string]string{"dir00/changed.txt": strconv.Itoa(number)})
	payload := n.app.Deliver(b.Context(), r.PushEvent("refs/heads/main", before, sha)).Payload
	request := signedPush(b, address, payload)
	time.Sleep(time.Until(r.nudged.Add(nudgeRest)))
	r.nudged = time.Now()
	resp, err := http.DefaultClient.Do(request)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		b.Fatalf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	started := a.await(b, "run started", func(l said) bool { return l.SHA == sha })
	printed := a.await(b, "", func(l said) bool { return l.Run == started.Run && l.Action != "" })
	r.kitops = append(r.kitops, sample{wall: clock(b, printed.Msg).Sub(r.nudged)})
	a.await(b, "run finished", nil)
	for _, o := range n.others {
		if r.others == nil {
			r.others = map[string]series{}
		}
		r.others[o.name] = append(r.others[o.name], o.sample(b, r, payload))
	}
	r.git = append(r.git, n.script(b, `cd "$1" && git fetch --quiet --depth 1 origin main && git checkout --quiet --force FETCH_HEAD`, r.kept))
}

// signedPush is a request as GitHub makes it.
func signedPush(b *testing.B, address string, payload []byte) *http.Request {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+address+"/webhook", bytes.NewReader(payload))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-Hub-Signature-256", signature(nudgeSecret, payload))
	return req
}

func (n *nudgebench) print(out io.Writer) {
	fmt.Fprintf(out, "\nfrom a delivery to the first thing the action does, beside the git CLI's fetch --depth 1 and checkout; %d pushes of one file\n\n", nudgeSamples)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "kitops\tgit\tkitops/git\t\t")
	for _, r := range n.repos {
		if len(r.kitops) == 0 { // not asked for
			continue
		}
		for _, q := range []struct {
			name string
			at   float64
		}{{"median", 0.5}, {"95th percentile", 0.95}} {
			kitops, git := r.kitops.quantile(q.at, wallMS), r.git.quantile(q.at, wallMS)
			fmt.Fprintf(table, "%.1f ms\t%.1f ms\t%.2f\t\t%s, %s\n", kitops, git, kitops/git, r.size, q.name)
			for name, s := range r.others {
				other := s.quantile(q.at, wallMS)
				fmt.Fprintf(table, "%.1f ms\t%.1f ms\t%.2f\t\t%s, %s, beside %s\n", kitops, other, kitops/other, r.size, q.name, name)
			}
		}
	}
	_ = table.Flush()
	n.flooded.print(out)
}

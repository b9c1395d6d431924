//go:build linux

package bench_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	floodTime    = 10 * time.Second
	floodClients = 8
	floodGoal    = 5000 // a second, on one core
	floodRSSGoal = 60.0 // MB
)

// floodFigures are what the endpoint bore.
type floodFigures struct {
	answered  int64
	took, cpu time.Duration
	rss       float64 // MB, at the end
}

// flood sends signed pushes of 10 KB as fast as they are answered, to an agent that may use one core. The client has the others.
func (n *nudgebench) flood(b *testing.B) {
	cmd := n.command(n.args...)
	cmd.Args = cmd.Args[2:] // itself, not by what measures it
	cmd.Path = cmd.Args[0]
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	a := startAgent(b, cmd)
	address := a.await(b, "taking webhooks", nil).Address
	go func() { // it must not wait for a reader
		for range a.lines {
		}
	}()
	wire := n.floodRequest(b)
	cpu, begin := cpuTime(b, cmd.Process.Pid), time.Now()
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range floodClients {
		clients.Go(func() { drown(b, address, wire, begin.Add(floodTime), &answered) })
	}
	clients.Wait()
	n.flooded = floodFigures{answered.Load(), time.Since(begin), cpuTime(b, cmd.Process.Pid) - cpu, residentMB(b, cmd.Process.Pid)}
	a.stop(b)
	f := n.flooded
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(f.perSecond(), "deliveries/s")
	b.ReportMetric(f.perCPUSecond(), "deliveries/cpu-s")
	b.ReportMetric(f.rss, "rss-MB")
}

func (f floodFigures) perSecond() float64    { return float64(f.answered) / f.took.Seconds() }
func (f floodFigures) perCPUSecond() float64 { return float64(f.answered) / f.cpu.Seconds() }

func (f floodFigures) print(out io.Writer) {
	fmt.Fprintf(out, "\nsigned deliveries of 10 KB, checked and answered on one core\n\n"+
		"  %.0f a second (goal: %d), %.0f a second of CPU time; %.1f MB RSS at the end (goal: %.0f MB)\n\n",
		f.perSecond(), floodGoal, f.perCPUSecond(), f.rss, floodRSSGoal)
}

// floodRequest is a push to the small repository with much to say, but for its GUID.
func (n *nudgebench) floodRequest(b *testing.B) string {
	b.Helper()
	r := n.repos[0]
	payload := n.app.Deliver(b.Context(), r.PushEvent("refs/heads/main", r.Head("main"), r.Head("main"))).Payload
	body := string(payload[:len(payload)-1]) + `,"more":"`
	body += strings.Repeat("x", 10<<10-len(body)-2) + `"}`
	return fmt.Sprintf("POST /webhook HTTP/1.1\r\nHost: kitops\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n"+
		"X-Hub-Signature-256: %s\r\nContent-Length: %d\r\nX-GitHub-Delivery: GUID\r\n\r\n%s", signature(nudgeSecret, []byte(body)), len(body), body)
}

func drown(b *testing.B, address, wire string, end time.Time, answered *atomic.Int64) {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	before, after, _ := strings.Cut(wire, "GUID")
	for time.Now().Before(end) {
		number := answered.Add(1)
		if _, err := io.WriteString(conn, before+fmt.Sprintf("%036d", number)+after); err != nil {
			b.Error(err)
			return
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil || resp.StatusCode != http.StatusAccepted {
			b.Errorf("%v, %v", resp, err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}

func signature(secret string, payload []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(payload)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// quantile is the value below which that part of the samples is.
func (s series) quantile(q float64, of func(sample) float64) float64 {
	values := make([]float64, len(s))
	for i, one := range s {
		values[i] = of(one)
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

// residentMB is the memory a process has now.
func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1024
}

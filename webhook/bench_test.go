package webhook_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	hidden "github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/webhook"
)

// BenchmarkDelivery is a push that is checked, read and answered, over connections that stay open. The client takes part of
// the same processors; with -cpu 1 the time is the processor time of both.
func BenchmarkDelivery(b *testing.B) {
	for name, size := range map[string]int{"10KB": 10 << 10, "1MB": 1 << 20} {
		b.Run(name, func(b *testing.B) { benchmarkDelivery(b, size) })
	}
}

func benchmarkDelivery(b *testing.B, size int) {
	b.Helper()
	const secret = "a secret of more than sixteen bytes"
	quiet := slog.New(slog.DiscardHandler)
	secrets, err := webhook.LiteralSecrets(hidden.New(secret), quiet)
	if err != nil {
		b.Fatal(err)
	}
	server, err := webhook.Listen(b.Context(), webhook.Options{
		Addr: "127.0.0.1:0", Secrets: secrets, Seen: webhook.NewSeen(), Log: quiet,
		Handle: func(webhook.Event) {}, Health: func() []webhook.TaskHealth { return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	start(b, server.Run)
	request := signedPush(b, secret, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", server.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		answers := bufio.NewReader(conn)
		for pb.Next() {
			if _, err := io.WriteString(conn, request); err != nil {
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
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	if kilobytes := resident(); kilobytes > 0 {
		b.ReportMetric(kilobytes/1024, "MB-RSS")
	}
}

// resident is the memory of this process, client and all; 0 where it cannot be told.
func resident() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, _ := strconv.ParseFloat(number, 64)
	return kilobytes
}

// signedPush is GitHub's example with a commit message that makes it as large as that, as a whole request.
func signedPush(b *testing.B, secret string, size int) string {
	b.Helper()
	example, err := os.ReadFile("testdata/push.1.json")
	if err != nil {
		b.Fatal(err)
	}
	text := strings.TrimSpace(string(example))
	body := text[:len(text)-1] + `,"more":"` + strings.Repeat("x", size-len(text)-10) + `"}`
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, body)
	return fmt.Sprintf("POST /webhook HTTP/1.1\r\nHost: kitops\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n"+
		"X-GitHub-Delivery: 00000000-0000-0000-0000-000000000000\r\nX-Hub-Signature-256: sha256=%s\r\nContent-Length: %d\r\n\r\n%s",
		hex.EncodeToString(mac.Sum(nil)), len(body), body)
}

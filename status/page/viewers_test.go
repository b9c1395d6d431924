package page_test

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestManyBrowsers has as many look on at a run, by sessions of fifty each. All of them see every line, for less
// than 100 kB each, with the tests' own ends of the connections; one more of a session is refused.
func TestManyBrowsers(t *testing.T) {
	sessions := 3
	if testing.Short() {
		sessions = 1
	}
	const each, lines = 50, 300
	s := open(t, nil)
	r := s.begin("r0", "acme/shop")
	address := strings.TrimPrefix(s.url, "http://")
	look := func(cookie string) (*bufio.Reader, net.Conn, string) {
		t.Helper()
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /runs/r0/live?from=0 HTTP/1.0\r\nHost: %s\r\nCookie: %s\r\n\r\n", address, cookie)
		reader := bufio.NewReaderSize(conn, 2048)
		status, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return reader, conn, strings.TrimSpace(status)
	}
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var looking sync.WaitGroup
	wrong := make(chan int, sessions*each)
	for range sessions {
		cookie := cookieOf(s.local())
		for range each {
			reader, conn, status := look(cookie)
			defer func() { _ = conn.Close() }()
			if !strings.HasSuffix(status, "200 OK") {
				t.Fatal(status)
			}
			looking.Go(func() {
				seen := 0
				for {
					piece, err := reader.ReadSlice('\n')
					seen += strings.Count(string(piece), "#")
					if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // it is never wrapped
						break
					}
				}
				if seen < lines {
					wrong <- seen
				}
			})
		}
		if _, conn, status := look(cookie); !strings.Contains(status, "503") {
			t.Errorf("one more of a session: %s", status)
		} else {
			_ = conn.Close()
		}
	}
	for range lines {
		s.print(r, "\x1b[32ma line\x1b[0m at which a thousand look #\n")
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	cost := int64(during.HeapInuse+during.StackInuse) - int64(before.HeapInuse+before.StackInuse)
	s.finish(r)
	looking.Wait()
	close(wrong)
	for seen := range wrong {
		t.Errorf("%d lines of %d", seen, lines)
	}
	t.Logf("%d browsers cost %d kB", sessions*each, cost>>10)
	if cost > int64(sessions*each)*100<<10 {
		t.Errorf("%d browsers cost %d MB", sessions*each, cost>>20)
	}
}

func cookieOf(b *browser) string {
	var all []string
	for _, c := range b.cookies {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}
